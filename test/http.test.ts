// docs/http.md is what other people's scripts are written by: every row of its table is asked, and no route is missing.
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

async function ask(row: Row, here: World, who: Someone, as: (typeof clientKinds)[number]) {
  const path = pathOf(row, here)
  if (row.method === 'POST') return who.post(path, requiredOf(row), { as })
  if (path !== '/traces/live') return who.get(path, { as })
  // The live tail never ends by itself.
  const answer = await here.app.fetch(new Request(`http://localhost:5000${path}`))
  await answer.body?.cancel()
  const { status, headers } = answer
  return { status, headers, text: '', location: null, spans: [], queries: [] }
}

/** What the table promises to somebody without a session. */
function signedOutAnswer(
  { method, path, signedOut, answers }: Row,
  as: (typeof clientKinds)[number],
) {
  if (signedOut === 'same' || signedOut === 'inspector') return answers[as]
  if (signedOut === 'form') return '200 page'
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
    .replace(':id', '1')

test('docs/http.md has every route of the app, and no other', async () => {
  await using app = await startApp()
  const { database, settings } = app
  const { routes } = createApp({ database, settings, state: { stopping: false } })
  const real = routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/(:\w+)\{[^/]*\}+/g, '$1')}`)
  assert.deepEqual(rows.map(({ request }) => request).sort(), [...new Set(real)].sort())
})

test('each row of docs/http.md answers as it says, signed in and signed out', async () => {
  const wrong: string[] = []
  for (const as of clientKinds) {
    const here = await world()
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

/** Pages that show what is one person's alone. */
const privatePages = ['GET /account', 'GET /tweet/:id/delete']

/** What keeps a page from being another's, and in the browser's back/forward cache or out of it. */
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

/** The rows that end or begin a session, in an order that leaves one for the next. */
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

test('a field that docs/http.md does not mark with ? is missed', async () => {
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

test('what docs/http.md calls inspector is for operators alone with DEMO=0', async () => {
  const here = await world({ DEMO: '0', INSPECT: '1' })
  await using _ = here.app
  for (const row of rows.filter(({ path }) => /^\/(traces|logs|routes)/.test(path))) {
    const { status } = await ask(row, here, here.bob, 'program')
    assert.equal(status, row.signedOut === 'inspector' ? 403 : 200, row.request)
  }
})

/** The fields of query strings, but for words to search for: any are right there. */
const queryFields = 'before through from limit kind status slower failed level by'.split(' ')

test('docs/http.md has every field of a query string: its route refuses nonsense, and no other does', async () => {
  const here = await world()
  await using _ = here.app
  const wrong: string[] = []
  // One would end the session, the other never ends.
  const others = ['/logout', '/traces/live']
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

/** The last number in the words of the table of fields: `1 to 50 characters` ends with 50. */
function mostOf(field: string): number {
  const [, fields = ''] = document.split('## Fields')
  const line = fields.split('\n').find((one) => one.split('|')[1]?.includes(`\`${field}\``)) ?? ''
  return Number([...line.matchAll(/\d+/g)].at(-1))
}

const newcomer = { name: 'New', password: 'password of new' }

/** Where each bounded field is sent, and beside what else. */
const bounded: [field: string, path: string, beside: Record<string, string>][] = [
  ['name', '/account/profile', { bio: '' }],
  ['bio', '/account/profile', { name: 'Bob' }],
  ['msg', '/tweet', {}],
  ['key', '/tweet', { msg: 'hello' }],
  ['fresh', '/account/password', { current: 'password-of-Bob' }],
  ['mailaddress', '/register', newcomer],
]

test('a field may be as long as docs/http.md says, and no longer', async () => {
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

/** What the smoke leaves out: a stream without an end, files, and what only whoever runs the app may ask. */
const leftOut = ['GET /livez', 'GET /readyz', 'GET /static/*', 'GET /traces/live']

// The smoke fails when it has not sent one of these: test/load.test.ts runs it.
test('loadtest/shared.json has limits for every route of docs/http.md', () => {
  const named = new Set(requestNames.map((name) => patternOf(name.replace(/ \(.*/, ''))))
  const missing = rows.filter(({ request }) => !named.has(patternOf(request)))
  assert.deepEqual(missing.map(({ request }) => request).sort(), leftOut)
})

/** `/@[handle]/likes`, `/:handle/likes` and `/traces/[trace]/plan/[span]`, each variable as a star. */
const patternOf = (path: string) => path.replace(/\?.*/, '').replace(/@?\[\w+\]|:\w+/g, '*')
