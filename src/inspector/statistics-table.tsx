import { shortCount } from '../base/format.ts'
import { percentile, total } from '../trace-store/histogram.ts'
import { rowsKept, type Row } from '../trace-store/statistics.ts'
import { shortMs } from '../ui/chip.tsx'
import { Column } from './column.tsx'
import { Header } from './header.tsx'

const each = (sum: number, count: number) =>
  count === 0 ? '0' : (sum / count).toFixed(1).replace(/\.0$/, '')

type PageProps = {
  rows: Row[]
  by: 'route' | 'query'
  /** Is this trace still recorded? */
  isKept: (traceId: string) => boolean
}

const numbers = {
  route: ['Count', 'p50', 'p95', 'p99', 'Slowest', 'Errors', 'Queries', 'Rows', 'KB'],
  query: ['Count', 'p50', 'p95', 'p99', 'Slowest', 'Errors', 'Rows'],
}

const words = {
  route:
    'What each route has cost since this process started, the costliest first; queries, rows and KB are those of one request on average.',
  query:
    'What each query has cost since this process started, the costliest first; rows are those of one query on average.',
}

/** /routes: the total time of each route, or of each query, since the start. */
export const StatisticsPage = ({ rows, by, isKept }: PageProps) => {
  const costs = rows.map((row) => ({ row, cost: total(row.durations) }))
  const all = costs.reduce((sum, { cost }) => sum + cost, 0)
  return (
    <>
      <Header
        at={by === 'route' ? '/routes' : '/routes?by=query'}
        title={by === 'route' ? 'Routes' : 'Queries'}
        words={words[by]}
      />
      <div class='scroll'>
        <table class='requests sums'>
          <thead>
            <tr>
              <Column>{by === 'route' ? 'Route' : 'Query'}</Column>
              <Column>Share of time</Column>
              {numbers[by].map((head) => (
                <Column kind='number'>{head}</Column>
              ))}
            </tr>
          </thead>
          <tbody>
            {costs
              .sort((one, other) => other.cost - one.cost)
              .map(({ row, cost }) => (
                <StatisticsRow row={row} by={by} share={cost / (all || 1)} isKept={isKept} />
              ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class='empty-state'>Nothing has happened yet.</p>}
      {rows.length >= rowsKept && (
        <p class='end'>Only the first {rowsKept} are counted: there are more.</p>
      )}
    </>
  )
}

/** The number of errors, with a link to their traces: of a route to all, of a query to the newest. */
const Errors = ({ row, by, isKept }: Omit<RowProps, 'share'>) => {
  if (row.errors === 0 || !isKept(row.failedTraceId)) return <>{row.errors}</>
  const to =
    by === 'route'
      ? `/traces?q=${encodeURIComponent(row.name)}&failed=1`
      : `/traces/${row.failedTraceId}`
  return <a href={to}>{row.errors}</a>
}

type RowProps = Omit<PageProps, 'rows'> & { row: Row; share: number }

const StatisticsRow = ({ row, by, share, isKept }: RowProps) => (
  <tr class={row.errors > 0 ? 'failed' : undefined}>
    <td>
      {by === 'route' ? (
        <a href={`/traces?q=${encodeURIComponent(row.name)}`}>{row.name}</a>
      ) : (
        <details>
          <summary>{row.name}</summary>
          <pre>{row.text}</pre>
        </details>
      )}
    </td>
    <td class='bar'>
      <svg aria-hidden='true'>
        <rect width={`${(100 * share).toFixed(1)}%`} height='100%' />
      </svg>
      <span>{(100 * share).toFixed(share < 0.1 ? 1 : 0)} %</span>
    </td>
    <td class='number'>{shortCount(row.count)}</td>
    {[0.5, 0.95, 0.99].map((part) => (
      <td class='number'>{shortMs(percentile(row.durations, part))}</td>
    ))}
    <td class='number'>
      {isKept(row.slowest.traceId) ? (
        <a href={`/traces/${row.slowest.traceId}`}>{shortMs(row.slowest.ms)}</a>
      ) : (
        shortMs(row.slowest.ms)
      )}
    </td>
    <td class='number'>
      <Errors row={row} by={by} isKept={isKept} />
    </td>
    {by === 'route' && <td class='number'>{each(row.queries, row.count)}</td>}
    <td class='number'>{each(row.rows, row.count)}</td>
    {by === 'route' && <td class='number'>{each(row.bytes / 1024, row.count)}</td>}
  </tr>
)
