// The page Runtime: what is sampled, how much is kept, and that nothing is without an inspector.
import assert from 'node:assert/strict'
import test from 'node:test'

import { createApp } from '../src/app.tsx'
import { activeRequests, WorkQueue } from '../src/overload/work-queue.ts'
import { queueDepths } from '../src/telemetry/metrics.ts'
import { watchRuntime } from '../src/telemetry/runtime.ts'
import { Recorder } from '../src/trace-store/recorder.ts'
import { RuntimeSamples, samplesKept, type RuntimeSample } from '../src/trace-store/runtime.ts'
import { startApp } from './harness.ts'

const html = { headers: { Accept: 'text/html' } }

function newApp(base: Awaited<ReturnType<typeof startApp>>, runtime?: RuntimeSamples) {
  const { database, settings } = base
  const recorder = new Recorder({ instance: 'here-1' })
  return createApp({ database, settings, state: { stopping: false }, recorder, runtime })
}

const counts = {
  cardHits: 5,
  cardMisses: 1,
  droppedSpans: 0,
  droppedLogRecords: 0,
  droppedLogLines: 0,
}

test('a sample has the delay of a blocked loop, the collections, the queues and what was dropped since', async () => {
  const lookups = { hits: 5, misses: 1 }
  const dropped = { spans: 0, logs: 0 }
  queueDepths.set('named', () => 2)
  const watched = watchRuntime({
    activeRequests: () => 3,
    walBytes: () => undefined,
    cardLookups: () => lookups,
    dropped: () => dropped,
    droppedLines: () => 0,
  })
  // The delay is measured only from the second timer on.
  await new Promise((tick) => setTimeout(tick, 100))
  const until = performance.now() + 200
  while (performance.now() < until);
  await new Promise((tick) => setTimeout(tick, 100))
  lookups.hits += 4
  dropped.spans += 7
  watched.sample()
  const [first] = watched.samples.since(Date.now())
  assert.ok(first!.loopMaxMs > 100, String(first!.loopMaxMs))
  assert.ok(first!.loopMaxMs >= first!.loopP50Ms)
  assert.deepEqual([first!.activeRequests, first!.waiting['named']], [3, 2])
  assert.deepEqual([first!.cardHits, first!.cardMisses, first!.droppedSpans], [4, 0, 7])
  assert.ok(first!.heapUsedBytes > 1e6 && first!.residentBytes > first!.heapUsedBytes)
  watched.sample()
  const second = watched.samples.since(Date.now()).at(-1)!
  assert.deepEqual([second.cardHits, second.droppedSpans], [0, 0], 'only what is new')
  watched.stop()
})

const sample = (at: number): RuntimeSample => ({
  at,
  loopP50Ms: 0.1,
  loopP99Ms: 12,
  loopMaxMs: 345,
  collections: 2,
  collectionMs: 17.5,
  heapUsedBytes: 50 * 1024 * 1024,
  residentBytes: 120 * 1024 * 1024,
  activeRequests: 4,
  waiting: { write: 3, password: 0 },
  walBytes: undefined,
  ...counts,
  droppedSpans: 11,
})

test('no more than ten minutes are kept, whatever the clock does', () => {
  const ring = new RuntimeSamples()
  const now = Date.now()
  for (let number = 0; number < 500; number++) ring.take(sample(now - number))
  assert.equal(ring.since(now).length, samplesKept)
  ring.take(sample(now + 3e10))
  ring.take(sample(0))
  assert.equal(ring.since(now).length, samplesKept - 2)
})

test('the page shows each figure, with its values as text; programs get JSON', async () => {
  await using base = await startApp({ INSPECT: '1' })
  const ring = new RuntimeSamples()
  ring.take(sample(Date.now()))
  const app = newApp(base, ring)
  const page = await (await app.request('/traces/runtime', html)).text()
  const labels = [...page.matchAll(/<span class="what">(.*?)<\/span>/g)].map(([, label]) => label)
  assert.deepEqual(labels, [
    'Event loop delay',
    'Garbage collection',
    'Memory',
    'Requests in work',
    'Waiting in queues',
    'Write-ahead log',
    'Cards from the cache',
    'Dropped telemetry',
  ])
  for (const said of [
    'max 345 ms',
    'resident 120.0 MB',
    'write 3',
    'spans 11',
    '17.5 ms',
    'here-1',
  ])
    assert.ok(page.includes(said), said)
  assert.match(page, /<b>none<\/b>/, 'a server has no write-ahead log here')
  assert.doesNotMatch(page, /NaN|Infinity|-1 |undefined/)
  assert.match(page, /<table class="requests sums"><caption>/)
  const answer = await app.request('/traces/runtime', { headers: { Accept: 'application/json' } })
  const json = (await answer.json()) as { instance: string; samples: Record<string, unknown>[] }
  assert.equal(json.instance, 'here-1')
  assert.equal(json.samples.length, 1)
  assert.equal(json.samples[0]!['loop_max_ms'], 345)
  assert.equal(json.samples[0]!['wal_bytes'], null)
})

test('before the first sample, and where nothing is sampled, the page says so', async () => {
  await using base = await startApp({ INSPECT: '1' })
  const answer = await newApp(base).request('/traces/runtime', html)
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /There is no sample yet/)
})

test('the depth of each queue is known by its name', async () => {
  const queue = new WorkQueue({ name: 'named', concurrency: 1, waiting: 5, waitMs: 60_000 })
  let end = () => {}
  const first = queue.run(() => new Promise<void>((done) => (end = done)))
  const active = activeRequests.count
  const second = queue.run(() => undefined)
  assert.equal(queueDepths.get('named')!(), 1)
  end()
  await Promise.all([first, second])
  assert.equal(queueDepths.get('named')!(), 0)
  assert.equal(activeRequests.count, active)
})

test('an unknown trace may be in another process: the page names this one', async () => {
  await using base = await startApp({ INSPECT: '1' })
  const app = newApp(base)
  for (const path of [`/traces/${'b'.repeat(32)}`, `/traces/${'b'.repeat(32)}/panel`]) {
    const page = await (await app.request(path, html)).text()
    assert.match(page, /it may be in the memory of another one/)
    assert.match(page, /this one is <code>here-1<\/code> \(<code>service\.instance\.id/)
  }
})
