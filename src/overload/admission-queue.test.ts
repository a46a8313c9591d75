import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import test from 'node:test'

import { startApp, type ClientKindName } from '../../test/harness.ts'
import { Refusal } from '../base/refusal.ts'
import { acceptedConnections, AdmissionQueue } from './admission-queue.ts'

test('a crowd: some are served, the rest are refused at once, and afterwards all is as before', async () => {
  await using app = await startApp({ REQUEST_QUEUE: '5' })
  const visitor = app.visitor()
  const crowd = await Promise.all(Array.from({ length: 30 }, () => visitor.get('/')))
  const served = crowd.filter(({ status }) => status === 200)
  const refused = crowd.filter(({ status }) => status === 503)
  assert.equal(served.length, 11, 'one began, five waited, and five took their places')
  assert.equal(refused.length, 19)
  for (const answer of refused) {
    assert.equal(answer.headers.get('Retry-After'), '1')
    assert.equal(answer.spans.at(-1)?.attributes['app.error.slug'], 'too_many_waiting')
  }
  assert.equal((await visitor.get('/')).status, 200)
})

test('a client that is refused in a crowd is told so in its own way; health checks are not in the queue', async () => {
  await using app = await startApp({ REQUEST_QUEUE: '1' })
  const visitor = app.visitor()
  const first = [visitor.get('/'), visitor.get('/')]
  const ask = (as: ClientKindName, path = '/', method = 'GET') =>
    visitor.send(path, { method }, { as })
  const [page, partial, program, alive, last] = await Promise.all([
    ask('browser'),
    ask('htmx'),
    ask('program', '/favorite/1', 'POST'),
    ask('program', '/livez'),
    ask('program'),
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
  assert.equal(last.status, 200, 'the last one takes the place that becomes free')
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
    assert.equal(answer.spans.at(-1)?.attributes['app.error.slug'], 'too_many_in_flight')
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

test('a crowd starts in portions, so that others are answered in between', async () => {
  const queue = new AdmissionQueue({ waiting: 200, waitMs: 10_000 })
  let started = 0
  assert.equal(queue.enter(), undefined, 'a request that comes alone does not wait')
  const all = Promise.all(Array.from({ length: 100 }, () => queue.enter()!.then(() => started++)))
  assert.equal(queue.depth, 100)
  const portions: number[] = []
  for (let before = 0; started < 100; before = started) {
    await new Promise(setImmediate)
    portions.push(started - before)
  }
  await all
  assert.ok(Math.max(...portions) <= 32, portions.join(' '))
  await new Promise(setImmediate)
  assert.equal(queue.enter(), undefined, 'and afterwards as before')
})

test('who has waited too long is refused instead of started', async () => {
  const queue = new AdmissionQueue({ waiting: 200, waitMs: 200 })
  assert.equal(queue.enter(), undefined)
  const requests = Array.from({ length: 40 }, async (_, index) => {
    await queue.enter()
    const done = performance.now() + 300
    while (index === 0 && performance.now() < done); // as a slow page does
  })
  const outcomes = await Promise.allSettled(requests)
  const refusals = outcomes.filter((one) => one.status === 'rejected').map(({ reason }) => reason)
  assert.equal(refusals.length, 8, 'they would have been the second portion')
  assert.ok(refusals.every((one) => one instanceof Refusal && one.status === 503))
})

test('a client that hangs up while it waits leaves the queue', async () => {
  const queue = new AdmissionQueue({ waiting: 2, waitMs: 10_000 })
  assert.equal(queue.enter(), undefined)
  const requests = [true, true, false, undefined].map((isGone) =>
    queue.enter(isGone === undefined ? undefined : () => isGone)!,
  )
  const outcomes = await Promise.allSettled(requests)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled', 'fulfilled'],
  )
})

test('while connections arrive, the queue waits for them, but not for ever', async () => {
  const queue = new AdmissionQueue({ waiting: 1, waitMs: 10_000 })
  assert.equal(queue.enter(), undefined)
  let hasStarted = false
  const request = queue.enter()!.then(() => (hasStarted = true))
  const late = Array.from({ length: 1000 }, () => queue.enter()!)
  await assert.rejects(queue.enter()!, Refusal, 'those who find the queue full are bounded, too')
  const outcomes = Promise.allSettled(late)
  let polls = 0
  for (; !hasStarted; polls++) {
    acceptedConnections.count += 1
    await new Promise(setImmediate)
  }
  assert.ok(polls >= 8 && polls <= 12, `${polls} polls`)
  await request
  const served = (await outcomes).filter(({ status }) => status === 'fulfilled')
  assert.equal(served.length, 1)
})

test('newcomers are served before clients that come back at once after a refusal', async () => {
  const queue = new AdmissionQueue({ waiting: 80, waitMs: 10_000 })
  let done = false
  let refusals = 0
  // As a client that reads its answer and sends the next request at once.
  const crowd = Array.from({ length: 100 }, async () => {
    while (!done) await Promise.resolve(queue.enter()).catch(() => (refusals += 1))
  })
  await new Promise((later) => setTimeout(later, 20))
  const newcomers = { served: 0, refused: 0 }
  const all: Promise<unknown>[] = []
  for (let count = 0; count < 40; count++) {
    acceptedConnections.count += 1
    await new Promise(setImmediate)
    const served = () => (newcomers.served += 1)
    all.push(Promise.resolve(queue.enter()).then(served, () => (newcomers.refused += 1)))
  }
  await Promise.all(all)
  done = true
  await Promise.all(crowd)
  assert.ok(refusals > 0, 'there was a crowd')
  assert.ok(newcomers.served > 3 * newcomers.refused, JSON.stringify(newcomers))
})

test('when all who waited are refused, those who came after them are served', async () => {
  const queue = new AdmissionQueue({ waiting: 4, waitMs: 100 })
  assert.equal(queue.enter(), undefined)
  const tooLong = Array.from({ length: 4 }, () => queue.enter()!)
  const done = performance.now() + 150
  while (performance.now() < done); // as a slow page does
  const late = Array.from({ length: 5 }, () => queue.enter()!)
  const outcomes = await Promise.allSettled([...tooLong, ...late])
  assert.deepEqual(
    outcomes.map(({ status }) => (status === 'fulfilled' ? 'served' : 'refused')),
    [...Array<string>(5).fill('refused'), ...Array<string>(4).fill('served')],
  )
})
