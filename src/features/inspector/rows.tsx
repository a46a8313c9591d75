import { shortMs } from '../../chip.tsx'
import { shortCount } from '../../format.ts'
import { percentile } from '../../histogram.ts'
import type { Row } from '../../statistics.ts'
import { Head } from './head.tsx'

const each = (sum: number, count: number) =>
  count === 0 ? '0' : (sum / count).toFixed(1).replace(/\.0$/, '')

/** /routes: what each route, or each query, has cost since the start, the costliest first. */
export const StatisticsPage = ({ rows, by }: { rows: Row[]; by: 'route' | 'query' }) => {
  const costliest = [...rows].sort((one, other) => cost(other) - cost(one))
  return (
    <>
      <Head
        at={by === 'route' ? '/routes' : '/routes?by=query'}
        title={by === 'route' ? 'Routes' : 'Queries'}
        words={`What each ${by} has cost since this process started, the costliest first: how often times how long.`}
      />
      <div class='scroll'>
        <table class='requests'>
          <thead>
            <tr>
              <th scope='col'>{by === 'route' ? 'Route' : 'Query'}</th>
              <th scope='col' class='number'>
                Count
              </th>
              <th scope='col' class='number'>
                p50
              </th>
              <th scope='col' class='number'>
                p95
              </th>
              <th scope='col' class='number'>
                p99
              </th>
              {by === 'route' && (
                <th scope='col' class='number'>
                  Queries
                </th>
              )}
              <th scope='col' class='number'>
                Rows
              </th>
              <th scope='col' class='number'>
                Errors
              </th>
              {by === 'route' && (
                <th scope='col' class='number'>
                  KB
                </th>
              )}
              <th scope='col'>Slowest</th>
            </tr>
          </thead>
          <tbody>
            {costliest.map((row) => (
              <StatisticsRow row={row} by={by} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class='empty-state'>Nothing has happened yet.</p>}
    </>
  )
}

const cost = ({ count, durations }: Row) => count * percentile(durations, 0.5)

const StatisticsRow = ({ row, by }: { row: Row; by: 'route' | 'query' }) => (
  <tr>
    <td>{row.name}</td>
    <td class='number'>{shortCount(row.count)}</td>
    {[0.5, 0.95, 0.99].map((share) => (
      <td class='number'>{shortMs(percentile(row.durations, share))}</td>
    ))}
    {by === 'route' && <td class='number'>{each(row.queries, row.count)}</td>}
    <td class='number'>{each(row.rows, row.count)}</td>
    <td class='number'>{row.errors}</td>
    {by === 'route' && <td class='number'>{each(row.bytes / 1024, row.count)}</td>}
    <td>
      <a href={`/traces/${row.slowest.traceId}`}>{shortMs(row.slowest.ms)}</a>
    </td>
  </tr>
)
