import type { Result } from './rounds.ts'
import { short, table, type Figures } from './statistics.ts'

/** Compares this build with another one: CPU µs for each request, and the ratio in each round. */
export function againstTable(results: Result[]): string {
  const spread = ({ median, low, high }: Figures) =>
    `${short(median)} (${short(low)}-${short(high)})`
  const rows = results.flatMap((one) => {
    const other = results.find(
      (result) => result.case === one.case && result.mode === `${one.mode}, other build`,
    )
    if (!other || !one.overhead || !one.overheads) return []
    return [
      [
        one.case,
        one.mode,
        spread(other.app),
        spread(one.app),
        `${one.overhead.median.toFixed(3)}x`,
        one.overheads.map((ratio) => ratio.toFixed(2)).join(' '),
      ],
    ]
  })
  return table(
    [
      'CPU us for each request',
      'mode',
      'other build',
      'this build',
      'ratio, median',
      'ratio of each round',
    ],
    rows,
  )
}
