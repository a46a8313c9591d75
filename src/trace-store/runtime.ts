/** What the process itself did in ten seconds. Times in ms, sizes in bytes; undefined where there is no such thing. */
export type RuntimeSample = {
  /** The end of the ten seconds, ms UTC. */
  at: number
  /** How late the event loop came to a timer. */
  loopP50Ms: number
  loopP99Ms: number
  loopMaxMs: number
  /** Garbage collections, and their time in all. */
  collections: number
  collectionMs: number
  heapUsedBytes: number
  residentBytes: number
  /** The most that was seen, looking once a second: requests in work, and jobs that wait, by queue. */
  activeRequests: number
  waiting: Record<string, number>
  walBytes: number | undefined
  cardHits: number
  cardMisses: number
  droppedSpans: number
  droppedLogRecords: number
  droppedLogLines: number
}

export const sampleMs = 10_000
export const samplesKept = 60

/** The samples of the last ten minutes: a bounded ring. */
export class RuntimeSamples {
  readonly #samples: RuntimeSample[] = []

  take(sample: RuntimeSample): void {
    this.#samples.push(sample)
    if (this.#samples.length > samplesKept) this.#samples.shift()
  }

  /** The samples of the ten minutes before `now` (ms UTC), oldest first. Those that a clock has put elsewhere are left out. */
  since(now: number): RuntimeSample[] {
    return this.#samples.filter(
      ({ at }) => at <= now + sampleMs && at > now - samplesKept * sampleMs,
    )
  }
}
