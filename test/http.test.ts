// Scripts rely on docs/http.md: each row of its table is requested, and no route is missing.
import assert from 'node:assert/strict'
import test from 'node:test'

import { requestNames } from '../bin/load-report.ts'
import { createApp } from '../src/app.tsx'
import { startApp, told, type Answer, type Someone } from './harness.ts'
import {
  clientKinds,
  document,
  fieldExamples,
  pathOf,
  requiredOf,
  rows,
  world,
  type Row,
  type World,
} from './http-table.ts'

/** With TEST_APP the app is another process. */
const elsewhere = process.env['TEST_APP'] !== undefined

async function ask(row: Row, here: World, who: Someone, as: (typeof clientKinds)[number]) {
  const path = pathOf(row, here)
  if (row.method === 'POST') return who.post(path, requiredOf(row), { as })
  // A stream does not end.
  const isStream = path === '/traces/live' || (path === '/timeline/live' && who.cookies.size > 0)
  if (!isStream) return who.get(path, { as })
  const Cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await here.app.fetch(
    new Request(`http://localhost:5000${path}`, { headers: { Cookie } }),
  )
  await answer.body?.cancel()
  const { status, headers } = answer
  return { status, headers, text: '', location: null, spans: [], queries: [] }
}

/** The answer that the table promises to a client without a session. */
function signedOutAnswer(
  { method, path, signedOut, answers }: Row,
  as: (typeof clientKinds)[number],
) {
  if (signedOut === 'same' || signedOut === 'inspector') return answers[as]
  // Over a socket of this machine it is allowed to everybody.
  if (signedOut === 'clearing' && elsewhere) return answers[as]
  if (signedOut === 'form') return '200 page'
  if (signedOut === 'refused')
    return `401 ${{ htmx: 'partial', browser: 'page', program: 'page', json: 'json' }[as]}`
  if (signedOut === 'operators')
    return as === 'json' || (as === 'program' && method === 'POST')
      ? '404 json'
      : `404 ${as === 'htmx' ? 'partial' : 'page'}`
  if (signedOut === 'clearing')
    return `403 ${{ htmx: 'partial', browser: 'page', program: 'json', json: 'json' }[as]}`
  if (as === 'htmx') return '401 HX /login'
  if (signedOut === 'words' && as === 'browser') return '401 page'
  const isDeed = signedOut === 'action' || (signedOut === 'words' && path !== '/post')
  if (isDeed && as !== 'browser') return '401 json'
  return method === 'GET' ? '302 /login' : '303 /login'
}

/** `303 back#tweet-:id` is `303 /timeline#tweet-1` without a Referer. */
const filled = ({ path }: Row, answer: string) =>
  answer
    .replace('back', path === '/theme' || path === '/chip' ? '/' : '/timeline')
    .replace(':id', path.includes('/preview') ? '2' : '1')

test('docs/http.md lists exactly the routes of the app', { skip: elsewhere }, async () => {
  await using app = await startApp()
  const { database, settings } = app
  const { routes } = createApp({ database, settings, state: { stopping: false } })
  const real = routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/(:\w+)\{[^/]*\}+/g, '$1')}`)
  assert.deepEqual(rows.map(({ request }) => request).sort(), [...new Set(real)].sort())
})

test('each row of docs/http.md answers as documented, signed in and signed out', async () => {
  const wrong: string[] = []
  for (const as of clientKinds) {
    // Bob is an operator: the table has what they get.
    const here = await world({ OPERATORS: 'bob@example.org' })
    await using _ = here.app
    for (const row of rows.filter(({ request }) => request !== 'POST /login')) {
      const visitor = here.app.visitor()
      const out = told(await ask(row, here, visitor, as)).replace(/\?next=.*/, '')
      const outPromised = filled(row, signedOutAnswer(row, as))
      if (out !== outPromised)
        wrong.push(`${row.request} as ${as}, signed out: ${out}, not ${outPromised}`)
      if (changesTheSession(row)) continue
      const answer = await ask(row, here, here.bob, as)
      wrong.push(...unkept(row, answer))
      const got = told(answer)
      const promised = filled(row, row.answers[as])
      if (got !== promised) wrong.push(`${row.request} as ${as}: ${got}, not ${promised}`)
    }
    wrong.push(...(await askForSessions(here, as)))
  }
  assert.deepEqual(wrong, [])
})

/** Pages with data of one person only. */
const privatePages = [
  'GET /account',
  'GET /tweet/:id/delete',
  'GET /bookmarks',
  'GET /reports',
  'GET /traces/uploaded',
]

/** The headers and marks that keep a page from other users, in and out of the back/forward cache. */
function unkept({ request, path }: Row, { status, headers }: Answer): string[] {
  const isHtml = headers.get('Content-Type')?.startsWith('text/html')
  if (status !== 200 || !isHtml || path === '/static/*') return []
  const [vary, cache] = [headers.get('Vary'), headers.get('Cache-Control')]
  const well = vary?.includes('HX-Request-Type') && vary.includes('Cookie')
  const right = privatePages.includes(request) ? 'private, no-store' : 'private, no-cache'
  return well && cache === right ? [] : [`${request}: Vary ${vary}, ${cache}`]
}

const changesTheSession = ({ path }: Row) =>
  ['/register', '/logout', '/account/delete', '/account/password'].includes(path)

/** The rows that end or begin a session, in an order in which each finds the session that it needs. */
async function askForSessions(here: World, as: (typeof clientKinds)[number]): Promise<string[]> {
  const wrong: string[] = []
  const expect = async (request: string, fields: Record<string, string> = {}) => {
    const row = rows.find((one) => one.request === request)!
    const got = told(
      row.method === 'GET'
        ? await here.bob.get(row.path, { as })
        : await here.bob.post(row.path, { ...requiredOf(row), ...fields }, { as }),
    )
    if (got !== row.answers[as]) wrong.push(`${request} as ${as}: ${got}, not ${row.answers[as]}`)
  }
  await expect('GET /register')
  await expect('POST /account/password')
  await expect('POST /logout')
  const bobs = { mailaddress: 'bob@example.org', password: fieldExamples['fresh']! }
  await expect('POST /login', bobs)
  await expect('GET /logout')
  await expect('POST /login', bobs)
  await expect('POST /account/delete', { farewell: bobs.password })
  await expect('POST /register')
  return wrong
}

test('a missing field that docs/http.md does not mark with ? is refused', async () => {
  const here = await world()
  await using _ = here.app
  for (const row of rows.filter(({ method }) => method === 'POST')) {
    const fields = requiredOf(row)
    for (const missing of Object.keys(fields)) {
      const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => name !== missing))
      const answer = await here.bob.post(pathOf(row, here), rest)
      assert.equal(answer.status, 400, `${row.request} without ${missing}`)
      assert.match(answer.text, new RegExp(`the field (&quot;|\\\\?")${missing}`), row.request)
    }
  }
})

test('the routes that docs/http.md marks "inspector" are for operators only with DEMO=0', async () => {
  const here = await world({ DEMO: '0', INSPECT: '1' })
  await using _ = here.app
  for (const row of rows.filter(({ path }) => /^\/(traces|logs|routes)/.test(path))) {
    const { status } = await ask(row, here, here.bob, 'program')
    assert.equal(status, row.signedOut === 'same' ? 200 : 403, row.request)
  }
})

/** The parameters of query strings, except search words, which may be anything. */
const queryFields = 'before through since from limit kind status slower failed level by'.split(' ')

test('docs/http.md lists all query parameters: their routes refuse nonsense, other routes ignore it', async () => {
  const here = await world({ OPERATORS: 'bob@example.org' })
  await using _ = here.app
  const wrong: string[] = []
  // One route would end the session, the others do not end.
  const others = ['/logout', '/traces/live', '/timeline/live']
  for (const row of rows.filter(({ method, path }) => method === 'GET' && !others.includes(path))) {
    for (const name of queryFields) {
      const path = `${pathOf(row, here)}?${name}=nonsense`
      const { status } = await here.bob.get(path, { as: 'program' })
      if ((status === 400) !== row.fields.includes(`${name}?`))
        wrong.push(`${row.request} with ${name}: ${status}`)
    }
  }
  assert.deepEqual(wrong, [])
})

/** The last number in a cell of the table of fields: 50 in `1 to 50 characters`. */
function mostOf(field: string): number {
  const [, fields = ''] = document.split('## Fields')
  const line = fields.split('\n').find((one) => one.split('|')[1]?.includes(`\`${field}\``)) ?? ''
  return Number([...line.matchAll(/\d+/g)].at(-1))
}

const newcomer = { name: 'New', password: 'password of new' }

/** The route of each bounded field, and the other fields of its form. */
const bounded: [field: string, path: string, beside: Record<string, string>][] = [
  ['name', '/account/profile', { bio: '' }],
  ['bio', '/account/profile', { name: 'Bob' }],
  ['msg', '/tweet', {}],
  ['key', '/tweet', { msg: 'hello' }],
  ['fresh', '/account/password', { current: 'password-of-Bob' }],
  ['mailaddress', '/register', newcomer],
  ['reason', '/report/1', {}],
]

test('a field may be exactly as long as docs/http.md says', async () => {
  const here = await world()
  await using _ = here.app
  for (const [field, path, beside] of bounded) {
    const who = beside === newcomer ? here.app.visitor() : here.bob
    const send = (length: number) =>
      who.post(path, { ...beside, [field]: '@example.org'.padStart(length, 'new') })
    const most = mostOf(field)
    const { status } = await send(most + 1)
    assert.ok(status === 400 || status === 422, `${field} with ${most + 1} characters: ${status}`)
    const right = await send(most)
    assert.ok(right.status < 400, `${field} with ${most} characters: ${right.status}`)
  }
})

/**
 * The routes that the smoke test omits: endless streams, files, what would take records or memory from other tests, and
 * the fault lab, which the stack does not have.
 */
const leftOut = [
  'GET /faults',
  'GET /livez',
  'GET /readyz',
  'GET /static/*',
  'GET /timeline/live',
  'GET /traces/live',
  'POST /faults/:name',
  'POST /faults/:name/stop',
  'POST /faults/stop',
  'POST /traces/clear',
  'POST /traces/upload',
]

// The smoke test fails if it has not sent one of these; test/load.test.ts runs it.
test('loadtest/shared.json has limits for every route of docs/http.md', () => {
  const named = new Set(requestNames.map((name) => patternOf(name.replace(/ \(.*/, ''))))
  const missing = rows.filter(({ request }) => !named.has(patternOf(request)))
  assert.deepEqual(missing.map(({ request }) => request).sort(), leftOut)
})

/** Replaces each variable by a star: `/@[handle]/likes`, `/:handle/likes`, `/traces/[trace]/plan/[span]`. */
const patternOf = (path: string) => path.replace(/\?.*/, '').replace(/@?\[\w+\]|:\w+/g, '*')
