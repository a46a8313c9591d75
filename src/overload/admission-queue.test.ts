import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { availableParallelism } from 'node:os'
import test from 'node:test'

import { startApp, type ClientKindName } from '../../test/harness.ts'

test('a crowd: some are served, the rest are refused at once, and afterwards all is as before', async () => {
  await using app = await startApp({ REQUEST_QUEUE: '5' })
  const visitor = app.visitor()
  const crowd = await Promise.all(Array.from({ length: 30 }, () => visitor.get('/')))
  const served = crowd.filter(({ status }) => status === 200)
  const refused = crowd.filter(({ status }) => status === 503)
  assert.equal(served.length, 6, 'one began, five waited')
  assert.equal(refused.length, 24)
  for (const answer of refused) {
    assert.equal(answer.headers.get('Retry-After'), '1')
    assert.equal(answer.spans[0]?.attributes['app.error.slug'], 'too_many_waiting')
  }
  assert.equal((await visitor.get('/')).status, 200)
})

test('whoever is refused in a crowd is told so in their own way; health checks are not in the queue', async () => {
  await using app = await startApp({ REQUEST_QUEUE: '1' })
  const visitor = app.visitor()
  const first = [visitor.get('/'), visitor.get('/')]
  const ask = (as: ClientKindName, path = '/', method = 'GET') =>
    visitor.send(path, { method }, { as })
  const [page, partial, program, alive] = await Promise.all([
    ask('browser'),
    ask('htmx'),
    ask('program', '/favorite/1', 'POST'),
    ask('program', '/livez'),
  ])
  assert.match(page.text, /<h1 class="big">This server is busy\. Try again in a moment\.<\/h1>/)
  assert.equal(partial.text, '<p class="problem">This server is busy. Try again in a moment.</p>')
  assert.deepEqual(JSON.parse(program.text), {
    error: 'This server is busy. Try again in a moment.',
  })
  assert.deepEqual(
    [page, partial, program].map(({ status }) => status),
    [503, 503, 503],
  )
  assert.equal(alive.status, 200)
  for (const answer of await Promise.all(first)) assert.equal(answer.status, 200)
})

test('while as many requests are at work as may be, others are refused in their own way', async () => {
  await using app = await startApp({ MAX_IN_FLIGHT: '1', PASSWORD_COST: '12' })
  const alice = await app.person('Alice')
  const fields = { mailaddress: 'nobody@example.org', password: 'password123' }
  const first = app.visitor().post('/login', fields) // a hash of 200 ms
  await new Promise(setImmediate)

  const page = await alice.get('/timeline', { as: 'browser' })
  assert.match(page.text, /<h1 class="big">This server is busy\. Try again in a moment\.<\/h1>/)
  const partial = await alice.get('/timeline', { as: 'htmx' })
  assert.match(partial.text, /^<p class="problem">This server is busy\./)
  const program = await alice.post('/favorite/1')
  assert.match((JSON.parse(program.text) as { error: string }).error, /^This server is busy\./)
  for (const answer of [page, partial, program]) {
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('Retry-After'), '1')
    assert.equal(answer.spans[0]?.attributes['app.error.slug'], 'too_many_in_flight')
  }
  assert.equal((await alice.get('/readyz')).status, 200)

  assert.equal((await first).status, 422)
  assert.equal((await alice.get('/timeline')).status, 200)
})

test("a client whose form never seems to end takes nobody else's place", async () => {
  await using app = await startApp({ MAX_IN_FLIGHT: '1' })
  const alice = await app.person('Alice')
  const client = new EventEmitter()
  const reading = once(client, 'reading')
  const pull = async (body: ReadableStreamDefaultController) => {
    client.emit('reading')
    await once(client, 'rest')
    body.enqueue(new TextEncoder().encode('msg=slow'))
    body.close()
  }
  const body = new ReadableStream({ pull }, { highWaterMark: 0 })
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': '8' }
  const init = { method: 'POST', body, duplex: 'half' } as const
  const slow = alice.send('/tweet', init, { headers })
  await reading
  assert.equal((await alice.get('/timeline')).status, 200)
  client.emit('rest')
  assert.equal((await slow).status, 200)
})

test('more logins than can be checked in time: who would wait in vain is refused at once', async () => {
  await using app = await startApp({
    PASSWORD_COST: '10',
    PASSWORD_WAIT_MS: '1500',
    REQUEST_WAIT_MS: '60000',
    MAX_IN_FLIGHT: '1000',
  })
  const order: number[] = []
  const visitor = app.visitor()
  const fields = { mailaddress: 'nobody@example.org', password: 'password123' }
  // From here on it is known how long a password takes.
  for (let known = 0; known < 4; known++) await visitor.post('/login', fields)
  const count = 40 * availableParallelism()
  const answers = await Promise.all(
    Array.from({ length: count }, async () => {
      const answer = await visitor.post('/login', fields)
      order.push(answer.status)
      return answer
    }),
  )
  const refused = answers.filter(({ status }) => status === 503)
  assert.ok(refused.length > 0 && refused.length < count, `${refused.length} of ${count} refused`)
  const served = count - refused.length
  assert.ok(order.indexOf(503) < served / 2, 'not after their waiting, when all of these are done')
  for (const answer of refused) {
    assert.equal(answer.headers.get('Retry-After'), '2')
    assert.equal(answer.spans.at(-1)?.attributes['app.error.slug'], 'password_lane_full')
  }
  assert.ok(answers.every(({ status }) => status === 503 || status === 422))
  assert.equal((await visitor.post('/login', fields)).status, 422, 'there is room again')
})
