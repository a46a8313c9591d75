import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { startApp } from '../../test/harness.ts'
import { Refusal } from '../base/refusal.ts'
import { activeRequests, WorkQueue } from './work-queue.ts'

const login = { mailaddress: 'nobody@example.org', password: 'password123' }
/** How many passwords are checked at a time. */
const atOnce = Math.max(1, availableParallelism() - 1)

test('more logins than may wait: those beyond the limit are refused at once, the others are served', async () => {
  await using app = await startApp({
    PASSWORD_COST: '12',
    PASSWORD_QUEUE: '3',
    MAX_IN_FLIGHT: '1000',
  })
  const visitor = app.visitor()
  const order: number[] = []
  const answers = await Promise.all(
    Array.from({ length: atOnce + 3 + 5 }, async () => {
      const answer = await visitor.post('/login', login)
      order.push(answer.status)
      return answer
    }),
  )
  const refused = answers.filter(({ status }) => status === 503)
  assert.equal(refused.length, 5)
  assert.deepEqual(order.slice(0, 5), [503, 503, 503, 503, 503])
  for (const answer of refused) {
    assert.equal(answer.headers.get('Retry-After'), '2')
    assert.equal(answer.spans.at(-1)?.attributes['app.error.slug'], 'password_queue_full')
  }
  assert.equal(answers.filter(({ status }) => status === 422).length, atOnce + 3)
  assert.equal((await visitor.post('/login', login)).status, 422, 'there is room again')
})

test('logins that have waited too long are refused, and afterwards there is room again', async () => {
  await using app = await startApp({
    PASSWORD_COST: '12', // some 250 ms
    PASSWORD_WAIT_MS: '400',
    PASSWORD_QUEUE: '1000',
    MAX_IN_FLIGHT: '1000',
    REQUEST_QUEUE: '1000',
    REQUEST_WAIT_MS: '60000',
  })
  const visitor = app.visitor()
  await visitor.post('/login', login) // a first one also makes the hash that unknown addresses are compared with
  const began = performance.now()
  const count = 10 * atOnce
  const answers = await Promise.all(
    Array.from({ length: count }, async () => {
      const { status, headers } = await visitor.post('/login', login)
      return { status, retryAfter: headers.get('Retry-After'), ms: performance.now() - began }
    }),
  )
  const refused = answers.filter(({ status }) => status === 503)
  assert.ok(refused.length > 0 && refused.length < count, `${refused.length} of ${count} refused`)
  for (const { retryAfter, ms } of refused) {
    assert.equal(retryAfter, '2')
    assert.ok(ms >= 390, `refused after ${ms} ms`)
  }
  assert.ok(answers.every(({ status }) => status === 503 || status === 422))
  assert.equal((await visitor.post('/login', login)).status, 422)
})

test('a queue starts jobs in order of arrival, a failed one too, and says when it is drained', async () => {
  const queue = new WorkQueue({ name: 'test', concurrency: 2, waiting: 10, waitMs: 5000 })
  const before = activeRequests.count
  const began: number[] = []
  const jobs = Array.from({ length: 8 }, (_, index) =>
    queue.run(async () => {
      began.push(index)
      await pause(5)
      if (index === 3) throw new Error('this job fails')
      return index
    }),
  )
  assert.equal(queue.depth, 6)
  assert.equal(activeRequests.count, before - 6, 'who waits is not at work')
  const settled = Promise.allSettled(jobs)
  await queue.drained()
  assert.deepEqual(began, [0, 1, 2, 3, 4, 5, 6, 7])
  const outcomes = (await settled).map((one) => one.status)
  assert.equal(outcomes.filter((status) => status === 'rejected').length, 1)
  assert.equal(activeRequests.count, before)
  assert.equal(queue.depth, 0)
})

test('a job that has waited too long leaves the queue, and the next in line moves up', async () => {
  const queue = new WorkQueue({ name: 'test', concurrency: 1, waiting: 10, waitMs: 50 })
  let finish = () => {}
  const first = queue.run(() => new Promise<void>((done) => (finish = done)))
  await assert.rejects(
    queue.run(() => 'never'),
    (error: unknown) => error instanceof Refusal && error.status === 503,
  )
  const next = queue.run(() => 'next')
  finish()
  await first
  assert.equal(await next, 'next')
  await queue.drained()
})

test('a login whose client hangs up while it waits is not checked', async () => {
  await using app = await startApp({
    PASSWORD_COST: '12',
    PASSWORD_QUEUE: '1',
    MAX_IN_FLIGHT: '1000',
  })
  const visitor = app.visitor()
  const client = new AbortController()
  const send = (signal?: AbortSignal) =>
    visitor.send('/login', {
      method: 'POST',
      body: new URLSearchParams(login),
      ...(signal && { signal }),
    })
  const first = Array.from({ length: atOnce }, () => send())
  const waiting = send(client.signal)
  while ((await send()).status !== 503); // until the queue is full
  client.abort()
  const next = send()
  assert.equal((await waiting).status, 503)
  assert.equal((await next).status, 422, 'it has the place that became free')
  for (const answer of await Promise.all(first)) assert.equal(answer.status, 422)
})
