export type Figures = { median: number; low: number; high: number }

export const quantile = (values: number[], part: number): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (sorted.length - 1) * part
  const below = sorted[Math.floor(at)] ?? NaN
  return below + ((sorted[Math.ceil(at)] ?? NaN) - below) * (at % 1)
}

/** Median and spread (lowest and highest) of some rounds. */
export const figuresOf = (values: number[]): Figures => ({
  median: quantile(values, 0.5),
  low: Math.min(...values),
  high: Math.max(...values),
})

/** Response times in ms (NaN if there were no answers), and answers per second. */
export type Latency = { median: number; p99: number; perSecond: number }

export const latencyOf = (times: number[], seconds: number): Latency => ({
  median: quantile(times, 0.5),
  p99: quantile(times, 0.99),
  perSecond: times.length / seconds,
})

/** Formats a number with three significant digits: more would be noise. */
export const short = (value: number): string =>
  Number.isNaN(value)
    ? 'none'
    : value === 0
      ? '0'
      : value >= 100
        ? Math.round(value).toLocaleString('en')
        : value.toPrecision(value >= 10 ? 3 : 2)

/** A table in Markdown that also reads well on a terminal. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]!.length)),
  )
  const line = (cells: string[]) =>
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join(' | ')} |`
  const rule = `|${widths.map((width, index) => (index === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
