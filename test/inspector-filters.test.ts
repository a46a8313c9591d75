// The filters of /traces that look at people and at spans, the order by duration, and who may clear what was recorded.
import assert from 'node:assert/strict'
import test from 'node:test'

import type { RecordedSpan } from '../src/trace-store/recorded.ts'
import { inspector, span, spanId } from './inspected.ts'

type Place = Awaited<ReturnType<typeof inspector>>

/** Records a request with the number as its trace id, and its children. */
function take(
  { recorder }: Place,
  number: number,
  { ms = 1, sampled = true, attributes = {}, children = [] as RecordedSpan['attributes'][] } = {},
): void {
  const trace = spanId(number).repeat(2)
  for (const [index, given] of children.entries())
    recorder.takeSpan(span({ id: index + 2, trace, parent: 1, attributes: given }))
  const root = span({ id: 1, trace, ms })
  const context = { traceId: trace, spanId: spanId(1), traceFlags: sampled ? 1 : 0 }
  const all = { ...root.attributes, ...attributes }
  recorder.takeSpan({ ...root, attributes: all, spanContext: () => context })
}

const numbersIn = (text: string) =>
  [...text.matchAll(/<td><a href="\/traces\/([0-9a-f]{16})/g)].map(([, id]) =>
    Number.parseInt(id!, 16),
  )

const query = (text: string, more = {}) => ({ 'db.query.text': text, ...more })

test('filters by SQL text, by an attribute of any span, and by sampled', async () => {
  await using place = await inspector()
  take(place, 1, { children: [query('select * from Tweets where id = ?')] })
  take(place, 2, { children: [query('insert into tweets values (?)', { 'app.batch': 3 })] })
  take(place, 3, { sampled: false, attributes: { 'app.error.slug': 'not_operator', 'x.y': 'a=b' } })
  take(place, 4, { attributes: { 'x.y': '<b>\'&"', list: ['a', 'b'] } })
  const expected: [search: string, numbers: number[]][] = [
    ['?sql=FROM+tweets', [1]],
    ['?sql=tweets', [2, 1]],
    ['?sql=tweets&attribute=app.batch', [2]],
    ['?attribute=app.batch%3D3', [2]],
    ['?attribute=app.batch%3D33', []],
    ['?attribute=app.error.slug%3Dnot_operator', [3]],
    ['?attribute=x.y%3Da%3Db', [3]],
    [`?attribute=${encodeURIComponent('x.y=<b>\'&"')}`, [4]],
    ['?attribute=list%3Da,b', [4]],
    ['?attribute=__proto__', []],
    ['?attribute=toString', []],
    ['?sampled=no', [3]],
    ['?sampled=yes', [4, 2, 1]],
  ]
  for (const [search, numbers] of expected) {
    const page = await place.get(`/traces${search}`)
    assert.equal(page.status, 200, search)
    assert.deepEqual(numbersIn(page.text), numbers, search)
  }
  const page = await place.get(`/traces?attribute=${encodeURIComponent('"><script>')}`)
  assert.match(page.text, /value="&quot;&gt;&lt;script&gt;"/)
  assert.match(page.text, /<details class="more-filters" open/)
  assert.match((await place.get('/traces')).text, /<td class="sampled">no<\/td>/)
  assert.equal((await place.get('/traces?sampled=maybe')).status, 400)
  assert.equal((await place.get(`/traces?sql=${'x'.repeat(201)}`)).status, 400)
})

test('in a trace of several requests, only those pass whose own spans do', async () => {
  await using place = await inspector()
  const remote = { traceId: 'a'.repeat(32), spanId: spanId(99), traceFlags: 1, isRemote: true }
  for (const id of [1, 2, 3]) {
    const attributes = query(id === 2 ? 'delete from tweets' : 'select 1')
    place.recorder.takeSpan(span({ id: id + 20, parent: id + 10 }))
    place.recorder.takeSpan(span({ id: id + 30, parent: id + 20, attributes }))
    place.recorder.takeSpan(span({ id: id + 10, parent: id, attributes: {} }))
    place.recorder.takeSpan({ ...span({ id, ms: id }), parentSpanContext: remote })
  }
  const { text } = await place.get('/traces?sql=delete')
  assert.match(text, /1 of 1 request</)
  assert.match(text, /2\.00 ms/)
})

test('only mine: by the session, by handle and by number; signed out, it asks to sign in', async () => {
  await using place = await inspector()
  const [alice, bob] = [await place.base.person('Alice'), await place.base.person('Bob')]
  take(place, 1, { attributes: { 'user.id': String(alice.id) } })
  take(place, 2, { attributes: { 'user.id': String(bob.id) } })
  take(place, 3)
  const reader = place.as(bob)
  const listed = async (search: string) => numbersIn((await reader.get(`/traces${search}`)).text)
  assert.deepEqual(await listed('?person=me'), [2])
  assert.deepEqual(await listed('?person=@alice'), [1])
  assert.deepEqual(await listed('?person=Alice'), [1])
  assert.deepEqual(await listed(`?person=${bob.id}`), [2])
  assert.deepEqual(await listed('?person=nobody'), [])
  assert.deepEqual(await listed(''), [3, 2, 1])
  const visitor = await place.get('/traces?person=me')
  assert.deepEqual(numbersIn(visitor.text), [])
  assert.match(visitor.text, /Sign in to see only your own requests/)
  assert.equal((await place.get("/traces?person='or'1")).status, 400)
})

test('the slowest first, also on the pages that follow', async () => {
  await using place = await inspector()
  for (let number = 1; number <= 45; number++) take(place, number, { ms: (number * 7) % 45 })
  const slowest = Array.from({ length: 45 }, (_, index) => index + 1).sort(
    (one, other) => ((other * 7) % 45) - ((one * 7) % 45),
  )
  const seen: number[] = []
  let path: string | undefined = '/traces?sort=duration'
  for (let page = 0; path && page < 5; page++) {
    const { text }: { text: string } = await place.get(path)
    seen.push(...numbersIn(text))
    assert.doesNotMatch(text, /id="follow"/, 'new rows would have no place at the top')
    path = /href="(\/traces\?sort=duration&amp;before=\d+)"/
      .exec(text)?.[1]
      ?.replaceAll('&amp;', '&')
  }
  assert.deepEqual(seen, slowest)
})

test('the live tail filters by SQL and by person, too', async () => {
  await using place = await inspector()
  const answer = await place.app.request('/traces/live?sql=insert&person=7')
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  const children = [query('insert into tweets')]
  take(place, 1, { children })
  take(place, 2, { children, attributes: { 'user.id': '7' } })
  const awake = setInterval(() => {}, 100) // the tail's own timer does not keep a process running
  let text = ''
  while (!text.includes('<tr')) text += (await reader.read()).value ?? ''
  assert.deepEqual(numbersIn(text), [2])
  clearInterval(awake)
  await reader.cancel()
})

test('clear empties traces, logs and statistics, and recording goes on', async () => {
  await using place = await inspector({ OPERATORS: 'alice@example.org' })
  const alice = place.as(await place.base.person('Alice'))
  take(place, 1, { children: [query('select 1', { 'db.query.summary': 'SELECT' })] })
  place.recorder.takeLog({
    at: 1e6,
    level: 'error',
    message: 'it broke',
    facts: {},
    traceId: undefined,
    spanId: undefined,
  })
  const page = await alice.get('/traces', { as: 'browser' })
  assert.match(page.text, /action="\/traces\/clear"/)
  const cleared = await alice.post('/traces/clear', undefined, { as: 'browser' })
  assert.deepEqual([cleared.status, cleared.location], [303, '/traces'])
  assert.equal(place.recorder.requests().length, 0)
  assert.equal(place.recorder.logs().length, 0)
  for (const path of ['/routes', '/routes?by=query'])
    assert.match((await alice.get(path)).text, /Nothing has happened yet/)
  assert.equal((await alice.get(`/traces/${spanId(1).repeat(2)}`)).status, 404)
  take(place, 2)
  assert.deepEqual(numbersIn((await alice.get('/traces')).text), [2])
  assert.equal(place.recorder.requests()[0]!.number, 2, 'a cursor of before still means the same')
})

test('who may clear: operators, and everybody in a demo on their own machine only', async () => {
  const local = { host: 'localhost:5000' }
  const send = async (
    place: Place,
    headers: Record<string, string>,
    remoteAddress = '127.0.0.1',
  ) => {
    const init = { method: 'POST', headers }
    const env = { incoming: { headers, socket: { remoteAddress } } }
    return (await place.app.request('/traces/clear', init, env)).status
  }
  await using place = await inspector()
  for (const host of ['localhost:5000', '127.0.0.1', '[::1]:5000'])
    assert.equal(await send(place, { host }), 200, host)
  assert.equal(await send(place, local, '::1'), 200)
  assert.equal(await send(place, local, '::ffff:127.0.0.1'), 200)
  assert.equal(await send(place, local, '10.0.0.7'), 403, 'another machine')
  assert.equal(await send(place, { host: 'evil.example' }), 403, 'DNS rebinding')
  assert.equal(await send(place, { host: 'localhost.evil.example' }), 403)
  for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'forwarded', 'via', 'x-real-ip'])
    assert.equal(await send(place, { ...local, [name]: '127.0.0.1' }), 403, name)
  const crossSite = { ...local, origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }
  assert.equal(await send(place, crossSite), 403)
  assert.doesNotMatch((await place.get('/traces')).text, /Clear all records/)
  const others = [
    { DEMO: '0' },
    { HOST: '0.0.0.0' },
    { PUBLIC_ORIGIN: 'http://birds.example' },
    { HOST: '127.0.0.1.evil.example' },
  ]
  for (const env of others) {
    await using other = await inspector(env)
    assert.equal(await send(other, local), 403, JSON.stringify(env))
  }
})
