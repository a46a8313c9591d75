// User input is text, whatever it contains: control characters and forged placeholders in all fields, parameters, paths
// and headers that a page shows.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { encode, placeholder } from '../src/ui/fragment-cache.ts'
import type { Answer, Someone } from './harness.ts'
import { pathOf, requiredOf, rows, world, type Row, type World } from './http-table.ts'

const upTo = (last: number) => Array.from({ length: last + 1 }, (_, index) => index)
const inPieces = (marks: string[], size: number) =>
  upTo(Math.ceil(marks.length / size) - 1).map((at) =>
    marks.slice(at * size, (at + 1) * size).join(' '),
  )

/** Placeholders of older versions, and placeholders with a wrong random part. */
const forged = upTo(50).flatMap((id) => [
  `\u0002${id}\u0003`,
  placeholder(id).replace(/[\w-]{22}/, (random) => [...random].toReversed().join('')),
])
const controls = [...upTo(31), 127].map((code) => String.fromCharCode(code))
const texts = [...inPieces(controls, 3), '\u0001', '\u0002', ...inPieces(forged, 6)]
/** A header cannot contain NUL or line ends. */
const headerTexts = texts.map((text) => text.replace(/[\0\r\n]/g, ''))

const shownHeaders = (text: string, who: Someone): Record<string, string> => ({
  Referer: `http://localhost:5000/timeline?q=${text}`,
  'HX-Current-URL': `http://localhost:5000/timeline?q=${text}`,
  'User-Agent': text,
  'X-Page-Trace': text,
  'X-Forwarded-For': text,
  'X-Forwarded-Proto': text,
  traceparent: text,
  Cookie: [
    ...who.cookies,
    ...['flash', 'theme', 'chip'].map((name) => [`tracewren_${name}`, encodeURIComponent(text)]),
  ]
    .map((pair) => pair.join('='))
    .join('; '),
})

/** The statuses that docs/http.md names for failed requests. */
const refusals = [400, 401, 403, 404, 405, 413, 415, 422, 429]

function allowed(row: Row): number[] {
  const redirects = row.signedOut === 'same' ? [] : [302, 303]
  const forms = row.signedOut === 'form' ? [200] : []
  return [
    ...Object.values(row.answers).map((told) => Number(told.slice(0, 3))),
    ...redirects,
    ...forms,
    ...refusals,
  ]
}

/** Zora's pages and deleted tweet have been rendered before; nobody else may see these words. Her name is public. */
async function privateWords({ app }: World): Promise<RegExp> {
  const person = app.visitor()
  const fields = { mailaddress: 'zora@example.org', password: 'a long password' }
  await person.post('/register', { name: 'Zora Quagga', ...fields })
  const id = await person.tweet('axolotl in the cellar')
  for (const path of ['/timeline', '/account', '/post', `/tweet/${id}`]) await person.get(path)
  await person.post(`/tweet/${id}/delete`)
  await person.get('/timeline')
  return /Hello, Zora|zora@|axolotl/
}

type Trial = { row: Row; who: Someone; here: World; words: RegExp }

/** Sends a request; returns what is wrong with the answer. */
async function wrongWith(trial: Trial, path: string, init: RequestInit, headers = {}) {
  const { row, who, here, words } = trial
  const as = headers && 'HX-Current-URL' in headers ? 'htmx' : 'browser'
  const answer: Answer = await who.send(path, { method: row.method, ...init }, { as, headers })
  for (const span of answer.spans) here.recorder.takeSpan(span)
  const where = `${row.request} ${JSON.stringify(path)} ${JSON.stringify(init.body?.toString() ?? headers)}`
  const statusIsWrong = answer.status >= 500 || !allowed(row).includes(answer.status)
  return [
    ...(statusIsWrong ? [`${where}: ${answer.status}`] : []),
    ...(words.test(answer.text) ? [`${where}: ${words.exec(answer.text)![0]}`] : []),
  ]
}

/** Every field of the row with every text. */
async function tryFields(trial: Trial): Promise<string[]> {
  const wrong: string[] = []
  const { row, here } = trial
  const path = pathOf(row, here)
  for (const field of row.fields.map((name) => name.replace('?', ''))) {
    for (const text of texts) {
      const pairs = new URLSearchParams({ ...requiredOf(row), [field]: text })
      wrong.push(
        ...(row.method === 'POST'
          ? await wrongWith(trial, path, { body: pairs })
          : await wrongWith(trial, `${path}?${pairs}`, {})),
      )
    }
  }
  return wrong
}

const isForAll = ({ signedOut }: Row) => ['same', 'inspector', 'form'].includes(signedOut)
const withoutAnEnd = (row: Row) => row.path.endsWith('/live')
const endsTheSession = (row: Row) => row.path === '/logout'

test('fields and parameters are text: only statuses of docs/http.md, and no words of other users', async () => {
  const here = await world()
  await using _ = here.app
  const words = await privateWords(here)
  const wrong: string[] = []
  for (const row of rows.filter((one) => !withoutAnEnd(one))) {
    // Signed out, the other pages only redirect.
    const visitors = row.method === 'POST' || isForAll(row) ? [here.app.visitor()] : []
    for (const who of [...visitors, here.bob])
      wrong.push(...(await tryFields({ row, who, here, words })))
  }
  assert.deepEqual(wrong.slice(0, 20), [])
})

test('headers, cookies and paths are text', async () => {
  const here = await world()
  await using _ = here.app
  const words = await privateWords(here)
  const wrong: string[] = []
  for (const row of rows.filter((one) => !withoutAnEnd(one) && !endsTheSession(one))) {
    for (const text of headerTexts) {
      const who = isForAll(row) ? here.app.visitor() : here.bob
      const headers = shownHeaders(text, who)
      wrong.push(...(await wrongWith({ row, who, here, words }, pathOf(row, here), {}, headers)))
    }
  }
  const anywhere = rows.find(({ request }) => request === 'GET /:handle')!
  for (const text of texts) {
    for (const place of ['/', '/@', '/static/', '/tweet/', '/traces/']) {
      const trial = { row: anywhere, who: here.bob, here, words }
      wrong.push(...(await wrongWith(trial, place + encodeURIComponent(text), {})))
    }
  }
  wrong.push(...(await lookAtTraces(here, words)))
  assert.deepEqual(wrong.slice(0, 20), [])
})

/** The traces, which everybody may see, contain what was sent. */
async function lookAtTraces(here: World, words: RegExp): Promise<string[]> {
  const wrong: string[] = []
  const ids = here.recorder.requests().map(({ traceId }) => traceId)
  const pages = ['/traces', '/traces?q=%02', '/logs', '/routes', '/routes?by=query']
  const traces = ids.slice(0, 150).flatMap((id) => [`/traces/${id}`, `/traces/${id}/panel`])
  for (const path of [...pages, ...traces]) {
    const { status, text } = await here.app.visitor().get(path, { as: 'browser' })
    if (status !== 200) wrong.push(`${path}: ${status}`)
    if (words.test(text)) wrong.push(`${path}: ${words.exec(text)![0]}`)
  }
  return wrong
}

test('the cached fragments of a deleted tweet or account are dropped', async () => {
  const here = await world()
  await using _ = here.app
  const kept = () =>
    upTo(20_000)
      .map((id) => {
        try {
          return encode(placeholder(id)).toString()
        } catch {
          return ''
        }
      })
      .join('')
  const untilGone = async (words: RegExp) => {
    for (let tries = 0; tries < 100 && words.test(kept()); tries++) await pause(20)
    assert.doesNotMatch(kept(), words)
  }
  const zora = here.app.visitor()
  const password = 'a long password'
  await zora.post('/register', { name: 'Zora', mailaddress: 'zora@example.org', password })
  const first = await zora.tweet('axolotl in the cellar')
  await zora.tweet('okapi on the roof')
  await here.bob.post(`/favorite/${first}`)
  for (const who of [zora, here.bob]) await who.get('/@zora', { as: 'browser' })
  assert.match(kept(), /axolotl[^]*okapi/)
  await zora.post(`/tweet/${first}/delete`)
  await untilGone(/axolotl/)
  assert.match(kept(), /okapi/)
  await zora.post('/account/delete', { farewell: password })
  await untilGone(/okapi|Zora|@zora/)
})
