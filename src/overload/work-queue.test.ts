import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { startApp, type Answer, type TestApp } from '../../test/harness.ts'
import { Refusal } from '../base/refusal.ts'
import { activeRequests, WorkQueue } from './work-queue.ts'

const login = { mailaddress: 'nobody@example.org', password: 'password123' }

/** Takes every place of the password queue, so that logins wait; the function that it returns gives the places back. */
function occupy(app: TestApp): () => void {
  let release = () => {}
  const released = new Promise<void>((done) => (release = done))
  for (let place = 0; place < app.settings.passwordConcurrency; place++)
    void app.passwords.queue.run(() => released)
  return release
}

async function untilWaiting(app: TestApp, logins: number): Promise<void> {
  while (app.passwords.queue.depth !== logins) await pause(5)
}

test('more logins than may wait: those beyond the limit are refused at once, the others are served', async () => {
  await using app = await startApp({ PASSWORD_QUEUE: '3', PASSWORD_WAIT_MS: '60000' })
  const visitor = app.visitor()
  const release = occupy(app)
  const refused: Answer[] = []
  const answers = Array.from({ length: 3 + 5 }, async () => {
    const answer = await visitor.post('/login', login)
    if (answer.status === 503) refused.push(answer)
    if (refused.length === 5) release() // so the five did not wait for anybody
    return answer.status
  })
  assert.equal((await Promise.all(answers)).filter((status) => status === 422).length, 3)
  assert.equal(refused.length, 5)
  for (const answer of refused) {
    assert.equal(answer.headers.get('Retry-After'), '2')
    assert.equal(answer.spans.at(-1)?.attributes['app.error.slug'], 'password_queue_full')
  }
  assert.equal((await visitor.post('/login', login)).status, 422, 'there is room again')
})

test('logins that have waited too long are refused, and afterwards there is room again', async () => {
  await using app = await startApp({ PASSWORD_WAIT_MS: '400' })
  const visitor = app.visitor()
  const release = occupy(app)
  const began = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const { status, headers } = await visitor.post('/login', login)
      return { status, retryAfter: headers.get('Retry-After'), ms: performance.now() - began }
    }),
  )
  for (const { status, retryAfter, ms } of answers) {
    assert.equal(status, 503)
    assert.equal(retryAfter, '2')
    assert.ok(ms >= 390, `refused after ${ms} ms`)
  }
  release()
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
  await using app = await startApp({ PASSWORD_QUEUE: '1', PASSWORD_WAIT_MS: '60000' })
  const visitor = app.visitor()
  const release = occupy(app)
  const client = new AbortController()
  const waiting = visitor.send('/login', {
    method: 'POST',
    body: new URLSearchParams(login),
    signal: client.signal,
  })
  await untilWaiting(app, 1)
  assert.equal((await visitor.post('/login', login)).status, 503, 'the queue is full')
  client.abort()
  assert.equal(app.passwords.queue.depth, 0)
  assert.equal((await waiting).status, 503)
  const next = visitor.post('/login', login)
  await untilWaiting(app, 1)
  release()
  assert.equal((await next).status, 422, 'it has the place that became free')
})
