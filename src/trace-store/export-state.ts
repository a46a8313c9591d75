/** What became of the exports of one signal since the start, for the inspector. */
export type ExportState = {
  signal: 'traces' | 'metrics' | 'logs'
  /** What is counted. Metrics are sums, so a lost export of them loses no number. */
  unit: 'span' | 'log record' | 'export'
  counts: { delivered: number; dropped: number }
  /** The start of the process, ms UTC. */
  since: number
  /** Since when exports fail (ms UTC), and why; undefined when the last one was delivered. */
  failing: { since: number; why: string } | undefined
  /** When the next export begins (ms UTC), if there is something to export by then. */
  nextAt: number | undefined
}
