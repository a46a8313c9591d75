// Samples the process for the page Runtime of the inspector. Without an inspector none of this is started.
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks'

import { RuntimeSamples, sampleMs, type RuntimeSample } from '../trace-store/runtime.ts'
import { queueDepths, type Observed } from './metrics.ts'

const lookMs = 1000
const resolutionMs = 20

/** What the sampler reads from the rest of the process; all counts are those since the start. */
type RuntimeReadings = Pick<Observed, 'walBytes' | 'cardLookups' | 'droppedLines'> & {
  activeRequests: () => number
  dropped: () => { spans: number; logs: number }
}

/** Looks at the process once a second, and keeps a sample of each ten seconds until `stop`. */
export function watchRuntime(read: RuntimeReadings): {
  samples: RuntimeSamples
  /** Ends the ten seconds now. */
  sample: () => void
  stop: () => void
} {
  const samples = new RuntimeSamples()
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  const collected = watchCollections()
  let before = totalsOf(read)
  let most = newPeaks()
  const look = () => {
    most.activeRequests = Math.max(most.activeRequests, read.activeRequests())
    for (const [queue, depthOf] of queueDepths)
      most.waiting[queue] = Math.max(most.waiting[queue] ?? 0, depthOf())
  }
  const sample = () => {
    look()
    const totals = totalsOf(read)
    const { heapUsed, rss } = process.memoryUsage()
    samples.take({
      at: Date.now(),
      ...delaysOf(delay),
      ...collected.take(),
      heapUsedBytes: heapUsed,
      residentBytes: rss,
      ...most,
      walBytes: read.walBytes(),
      ...differences(totals, before),
    })
    before = totals
    most = newPeaks()
    delay.reset()
  }
  let sampledAt = performance.now()
  const timer = setInterval(() => {
    if (performance.now() - sampledAt < sampleMs - lookMs / 2) return look()
    sampledAt = performance.now()
    return sample()
  }, lookMs).unref()
  return {
    samples,
    sample,
    stop() {
      clearInterval(timer)
      delay.disable()
      collected.stop()
    },
  }
}

type Peaks = Pick<RuntimeSample, 'activeRequests' | 'waiting'>
const newPeaks = (): Peaks => ({ activeRequests: 0, waiting: {} })

/** Node measures from one of its timers to the next, so its interval is part of each value. */
function delaysOf(delay: ReturnType<typeof monitorEventLoopDelay>) {
  const late = (nanos: number) => Math.max(0, nanos / 1e6 - resolutionMs)
  return {
    loopP50Ms: late(delay.percentile(50)),
    loopP99Ms: late(delay.percentile(99)),
    loopMaxMs: late(delay.max),
  }
}

function watchCollections() {
  let collections = 0
  let collectionMs = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      collections += 1
      collectionMs += duration
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return {
    take() {
      const taken = { collections, collectionMs }
      collections = collectionMs = 0
      return taken
    },
    stop: () => observer.disconnect(),
  }
}

function totalsOf({ cardLookups, dropped, droppedLines }: RuntimeReadings) {
  const { hits, misses } = cardLookups()
  const { spans, logs } = dropped()
  return {
    cardHits: hits,
    cardMisses: misses,
    droppedSpans: spans,
    droppedLogRecords: logs,
    droppedLogLines: droppedLines(),
  }
}

type Totals = ReturnType<typeof totalsOf>

const differences = (now: Totals, before: Totals) =>
  Object.fromEntries(
    Object.entries(now).map(([name, total]) => [name, total - before[name as keyof Totals]]),
  ) as Totals
