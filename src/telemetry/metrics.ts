// The metrics of Tracewren, through the OpenTelemetry API only. Without an SDK they do nothing.
import { createNoopMeter, metrics, type Meter } from '@opentelemetry/api'
import {
  METRIC_DB_CLIENT_OPERATION_DURATION,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from '@opentelemetry/semantic-conventions'

const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const queryBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const meter = (): Meter => metrics.getMeter('tracewren')

function instruments() {
  const m = meter()
  return {
    /** Does anybody export metrics? If not, recording does nothing. */
    areExported: m !== createNoopMeter(),
    requests: m.createHistogram(METRIC_HTTP_SERVER_REQUEST_DURATION, {
      unit: 's',
      description: 'Duration of HTTP server requests',
      advice: { explicitBucketBoundaries: requestBuckets },
    }),
    queries: m.createHistogram(METRIC_DB_CLIENT_OPERATION_DURATION, {
      unit: 's',
      description: 'Duration of database client operations',
      advice: { explicitBucketBoundaries: queryBuckets },
    }),
    tweets: m.createCounter('tracewren.tweets.created', {
      unit: '{tweet}',
      description: 'Tweets written',
    }),
    timelineReads: m.createCounter('tracewren.timeline.reads', {
      unit: '{read}',
      description:
        'Timelines read, by method: merge, list or probe; with +merge when that found too few tweets',
    }),
    refusals: m.createCounter('tracewren.rate_limit.refusals', {
      unit: '{request}',
      description: 'Requests refused because they came too often, by limit',
    }),
    linkPreviews: m.createCounter('tracewren.link_previews', {
      unit: '{preview}',
      description: 'Links of posts that were looked at for a preview, by outcome',
    }),
    workQueueDepth: m.createUpDownCounter('tracewren.work_queue.depth', {
      unit: '{job}',
      description: 'Jobs that wait, by queue (write, password)',
    }),
    workQueueWait: m.createHistogram('tracewren.work_queue.wait', {
      unit: 's',
      description: 'How long jobs waited until they started, by queue',
      advice: { explicitBucketBoundaries: queryBuckets },
    }),
  }
}

let made: ReturnType<typeof instruments> | undefined

/** The instruments. Created on first use, because the API returns no-op instruments until the SDK has started. */
export const measured = (): ReturnType<typeof instruments> => (made ??= instruments())

/** Open streams of server-sent events now. */
export const openStreams = { timeline: 0, traces: 0 }

/** How many jobs wait now, by the name of the queue. */
export const queueDepths = new Map<string, () => number>()

/** What `observe` reads. */
export type Observed = {
  walBytes: () => number | undefined
  freeBytes: () => number | undefined
  /** Undefined without a replica; Infinity while it is not known. */
  replicaLagMs: () => number | undefined
  activeSessions: () => Promise<number>
  cardLookups: () => { hits: number; misses: number }
  droppedLines: () => number
}

const inSeconds = (ms: number | undefined) => ms && ms / 1000

/** Registers the metrics that are read at each export. Call it once, after the SDK has started. */
export function observe(observed: Observed): void {
  const { walBytes, freeBytes, replicaLagMs, activeSessions, cardLookups, droppedLines } = observed
  const m = meter()
  // A series that began at its first event would lack it in a rate, and its panel would say "No data" until then.
  const { tweets, workQueueDepth } = measured()
  tweets.add(0)
  for (const queue of ['write', 'password']) workQueueDepth.add(0, { queue })
  for (const [name, unit, description, read] of [
    ['tracewren.wal.size', 'By', 'Size of the write-ahead log', walBytes],
    ['tracewren.disk.free', 'By', 'Free space on the disk of the database', freeBytes],
    [
      'tracewren.replica.lag',
      's',
      'The replica has all that was written so long ago',
      () => inSeconds(replicaLagMs()),
    ],
  ] as const)
    m.createObservableGauge(name, { unit, description }).addCallback((result) => {
      const value = read()
      if (value !== undefined && Number.isFinite(value)) result.observe(value)
    })
  m.createObservableGauge('tracewren.sessions.active', {
    unit: '{session}',
    description: 'Sessions that have not expired',
  }).addCallback(async (result) => {
    // When the database is unreachable, or already closed at the last export, only this value is missing.
    const count = await activeSessions().catch(() => undefined)
    if (count !== undefined) result.observe(count)
  })
  m.createObservableGauge('tracewren.streams.open', {
    unit: '{stream}',
    description: 'Open streams of server-sent events, by stream (timeline, traces)',
  }).addCallback((result) => {
    for (const [stream, open] of Object.entries(openStreams)) result.observe(open, { stream })
  })
  m.createObservableCounter('tracewren.card_cache.lookups', {
    unit: '{lookup}',
    description: 'Lookups of rendered cards in the cache, by hit or miss',
  }).addCallback((result) => {
    const { hits, misses } = cardLookups()
    result.observe(hits, { hit: true })
    result.observe(misses, { hit: false })
  })
  m.createObservableCounter('tracewren.log.lines.dropped', {
    unit: '{line}',
    description: 'Log lines that standard output did not take',
  }).addCallback((result) => result.observe(droppedLines()))
}
