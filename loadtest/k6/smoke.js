// All screens and actions once per iteration: as a browser, as htmx and as a program that accepts JSON.
//
//     k6 run -e TARGET=http://127.0.0.1:5000 loadtest/k6/smoke.js
//
// Environment: TARGET, SECONDS (60), PATIENCE_MS (no p95 limit is below it), PACE (10: waits are ten times shorter), TRACES
// (where the traces of failures are).
import exec from 'k6/execution'

import * as lib from './lib.js'

const { between, find, oneOf, ownPage, page, partial, redirect, refused, shared, success } = lib
const kinds = ['browser', 'htmx', 'json']
const duration = `${lib.numberOf('SECONDS', 60)}s`

export const options = {
  scenarios: { smoke: { executor: 'constant-vus', vus: 2, duration, gracefulStop: '30s' } },
  thresholds: lib.thresholdsOf(kinds.length),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
}

export default function walkThrough() {
  for (const kind of kinds) walk(kind)
  lib.sendSpans()
}

function walk(kind) {
  const client = lib.newClient(kind)
  const rest = () => lib.pause(0.05, 0.15)
  const get = (path, expect, more) => rest() ?? lib.get(client, path, { expect, ...more }).body
  const visit = (path) => get(path, undefined, { kind: 'browser' })
  const post = (path, fields, expect, more) => rest() ?? lib.post(client, path, fields, { expect, ...more })
  const part = kind === 'htmx' ? partial : undefined
  // A newcomer may have no notifications; the posts and the bookmark are there.
  const rows = (name, least = 1) =>
    kind === 'json' ? { [name]: (r) => r.status === 200 && r.json()[name].length >= least } : undefined
  // A new email address: it is registered, used and deleted.
  const name = `Smoke ${Date.now()}-${exec.vu.idInTest}`
  const account = { mailaddress: `${name.replace(' ', '-')}@test.com`, password: 'password123' }

  const start = visit('/')
  get('/', part)
  get('/everybody', rows('posts'))
  const others = [`/tweet/${find(start, 'tweet')}`, `/@${find(start, 'handle')}`, '/rules', '/login', '/register']
  for (const path of others) get(path)
  get('/site.webmanifest', { manifest: (r) => r.status === 200 && r.json().name !== undefined })

  post('/register', { name, ...account }, redirect('/timeline'))
  client.signedIn = true
  get('/logout', kind === 'json' ? redirect('/', 302) : ownPage)
  post('/logout', null, redirect('/'))
  post('/login', { ...account, password: 'wrong one' }, refused(422))
  post('/login', account, redirect('/timeline'))
  for (let n = 0; n < 3; n++) post(`/follow/${between(1, 100)}`, null, undefined, { name: '/follow/[id] (newcomer)' })

  const [id, msg] = [between(1, 200), oneOf(shared.texts)]
  for (const path of [find(visit('/timeline'), 'more'), '/']) get(path, part)
  post('/post', { msg }, kind === 'json' ? redirect('/timeline') : '/timeline')
  post('/tweet', { msg: '' }, refused(kind === 'json' ? 400 : 422))
  post('/tweet', { msg, key: find(visit('/timeline'), 'key') }, '/timeline')
  const own = find(visit('/timeline'), 'own')
  post('/tweet', { msg, reply_to: own }, `/tweet/${own}`, { name: '/tweet (reply)' })
  for (const end of ['', '/delete']) get(`/tweet/${own}${end}`)
  post(`/tweet/${own}/preview/delete`)
  post(`/tweet/${own}/delete`, null, '/timeline')
  for (const action of ['favorite', 'retweet', 'bookmark']) post(`/${action}/${id}`)
  for (const path of ['/favorites', `/post?quote=${id}`]) get(path)
  get('/bookmarks', rows('bookmarks'))
  get('/notifications', rows('notifications', 0))
  for (const action of ['unfavorite', 'unretweet', 'unbookmark']) post(`/${action}/${id}`)
  post('/tweet', { msg, quote: id }, '/timeline', { name: '/tweet (quote)' })
  post('/notifications/seen', { id: 1 }, '/notifications')

  const handle = find(visit('/'), 'handle')
  for (const list of ['', '/replies', '/likes', '/followers', '/following']) get(`/@${handle}${list}`)
  get(`/@${handle}/feed`, { feed: (r) => r.status === 200 && r.body.includes('</feed>') })
  const person = between(1, 100)
  const screens = `user/${person} favorites followers following account post post?quote=${id} tag/ThatGreen tag/caf%C3%A9`
  for (const screen of screens.split(' ')) get(`/${screen}`)
  for (const action of ['mute', 'unmute', 'block', 'unblock']) post(`/${action}/${person}`)
  post(`/report/${id}`, { reason: oneOf(shared.texts).slice(0, 100) }, `/tweet/${id}`)
  for (const action of ['unfollow', 'follow']) post(`/${action}/${person}`)
  for (const query of ['', `?q=${oneOf(shared.words)}`]) get(`/search${query}`, part)

  get('/account/export', { data: (r) => r.status === 503 || r.json().complete === true })
  post('/account/profile', { name, bio: oneOf(shared.texts) }, '/account')
  post('/account/handle', { handle: `k6_${Date.now() % 1e10}_${exec.vu.idInTest}` }, '/account')
  post('/account/password', { current: account.password, fresh: account.password }, '/account')
  post('/account/sessions', null, '/account')
  post('/theme', { theme: 'dark' }, redirect())
  post('/chip', { chip: 'on' }, redirect())
  get('/session', { mark: (r) => r.status === 200 && /^\d+-/.test(r.body) })

  const trace = `/traces/${find(visit('/timeline'), 'trace')}`
  const plan = find(get(trace, page), 'plan')
  get(`${trace}/panel`, partial)
  get(`${trace}/otlp.json`, { spans: (r) => r.status === 200 && r.json().resourceSpans.length > 0 })
  get(plan, part ?? page)
  for (const path of ['/traces', '/traces/guide', '/traces/compare', '/traces/uploaded', '/routes', '/logs'])
    get(path, page)
  get('/traces/runtime', kind === 'json' ? { samples: (r) => r.status === 200 && r.json().samples.length >= 0 } : page)

  for (const path of ['/tag/no.tag', '/reports', '/nothing-here']) get(path, refused(404))
  for (const path of ['reports/1/dismiss', 'suspend/1', 'unsuspend/1']) post(`/${path}`, null, refused(404))
  post('/account/delete', { farewell: account.password }, kind === 'json' ? success : redirect('/'))
  client.signedIn = false
  const turnedAway = kind === 'htmx' ? refused(401) : redirect('/login', 302)
  get('/timeline', turnedAway, { name: '/timeline (signed out)' })
}
