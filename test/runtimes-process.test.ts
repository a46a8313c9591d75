// One story of all that a runtime must be able to do, over a real port: with TEST_APP by the program it names (port-app.ts),
// else by Node.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

process.env['TEST_APP'] ??= process.execPath
const { startApp } = await import('./harness.ts')
const { fieldExamples } = await import('./http-table.ts')

const browser = { as: 'browser' } as const
const json = { as: 'json' } as const

/** Asks again until the answer has it: what is seen in the inspector comes after the answer. */
async function until<T>(ask: () => Promise<T>, isRight: (got: T) => boolean): Promise<T> {
  for (const giveUp = Date.now() + 30_000; ; await pause(50)) {
    const got = await ask()
    if (isRight(got) || Date.now() > giveUp) return got
  }
}

test('people: sign-up, sign-in, post, like, follow, timeline, search, a stream, signing out', async () => {
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const wrong = { mailaddress: 'alice@example.org', password: 'not hers' }
  const refused = await app.visitor().post('/login', wrong, browser)
  assert.equal(refused.status, 422)
  assert.match(refused.text, /<html/)
  const again = app.visitor()
  const right = { ...wrong, password: 'password-of-Alice' }
  assert.equal((await again.post('/login', right, browser)).location, '/timeline')

  assert.deepEqual(JSON.parse((await bob.post(`/follow/${alice.id}`)).text), { success: true })
  const Cookie = [...bob.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const stream = await app.fetch(
    new Request('http://localhost:5000/timeline/live?after=0', { headers: { Cookie } }),
  )
  assert.equal(stream.status, 200)
  const words = 'Grüße vom 🦘 <script>'
  const id = await alice.tweet(words)
  let heard = ''
  for await (const piece of stream.body!.pipeThrough(new TextDecoderStream())) {
    heard += piece
    if (heard.includes('1 new post')) break
  }
  assert.match(heard, /data: 1 new post/)

  assert.equal((await bob.post(`/favorite/${id}`)).status, 200)
  const timeline = await bob.get('/timeline', browser)
  assert.ok(timeline.text.includes('Grüße vom 🦘 &lt;script&gt;'), timeline.text)
  assert.match((await bob.get('/search?q=gr%C3%BC%C3%9Fe', browser)).text, /vom 🦘/)
  assert.match((await alice.get('/notifications', browser)).text, /Bob/)
  assert.equal((await bob.post('/logout', {}, browser)).status, 303)
  assert.equal((await bob.get('/timeline', browser)).location, '/login?next=%2Ftimeline')
})

test('what is wrong is refused in words: fields, ids, methods, bodies, origins', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const status = async (path: string, init: RequestInit, headers: Record<string, string> = {}) => {
    const answer = await alice.send(path, init, { ...json, headers })
    assert.equal(typeof JSON.parse(answer.text).error, 'string', answer.text)
    return answer.status
  }
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const post = (body: BodyInit) => ({ method: 'POST', body })
  assert.equal(await status('/tweet', post('msg='), form), 400)
  assert.equal(await status('/tweet', post(`msg=${'x'.repeat(281)}`), form), 400)
  assert.equal(
    await status('/tweet', post('{"msg":"hi"}'), { 'Content-Type': 'application/json' }),
    415,
  )
  assert.equal(await status('/tweet', post(`msg=${'x'.repeat(70_000)}`), form), 413)
  assert.equal(
    await status('/tweet', post('msg=hi'), { ...form, Origin: 'https://evil.example' }),
    403,
  )
  assert.equal(await status('/favorite/999999', { method: 'POST' }), 404)
  assert.equal(await status('/nowhere', {}), 404)
  assert.equal(await status('/timeline', { method: 'PUT' }), 405)
  assert.equal(await status('/tag/%E0%A4%A', {}), 404)
})

test('bytes: a file is cached by its hash, HEAD has no body, and forty clients at once get their own pages', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  const page = await visitor.get('/', browser)
  const style = /href="(\/static\/app[^"]+\.css[^"]*)"/.exec(page.text)![1]!
  const file = await visitor.get(style)
  assert.equal(file.headers.get('Content-Type'), 'text/css; charset=utf-8')
  assert.match(file.headers.get('Cache-Control')!, /immutable/)
  const head = await visitor.send('/', { method: 'HEAD' }, browser)
  assert.deepEqual([head.status, head.text], [200, ''])
  const people = await Promise.all(
    Array.from({ length: 10 }, (_, at) => app.person(`Person ${at}`)),
  )
  const pages = await Promise.all(
    Array.from({ length: 40 }, (_, at) => people[at % 10]!.get('/account', browser)),
  )
  for (const [at, { status, text }] of pages.entries()) {
    assert.equal(status, 200)
    assert.ok(text.includes(`person${at % 10}@example.org`))
  }
})

test('the inspector has the queries of a request, the plan of each, and a trace that was uploaded', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const answer = await alice.get('/timeline', browser)
  assert.match(answer.headers.get('Server-Timing') ?? '', /db/)
  const trace = `/traces/${answer.headers.get('X-Trace-Id')}`
  const { text } = await until(
    () => alice.get(trace, browser),
    (got) => got.status === 200,
  )
  for (const name of ['GET /timeline', 'timeline.read', 'SELECT '])
    assert.ok(text.includes(name), `${name} is not in the trace`)
  const plan = /"(\/traces\/[0-9a-f]{32}\/plan\/[0-9a-f]{16})"/.exec(text)![1]!
  assert.match((await alice.get(plan, browser)).text, /SEARCH|SCAN/)

  const body = new FormData()
  body.append('file', new File([fieldExamples['file']!], 'spans.json'))
  const upload = await alice.send('/traces/upload', { method: 'POST', body }, json)
  assert.equal(upload.status, 200, upload.text)
  assert.match((await alice.get('/traces/uploaded', browser)).text, /GET \/elsewhere/)
})
