import { elapsedMs, type RequestCosts } from '../telemetry/query-tracing.ts'
import { lateName, placeholder } from './fragment-cache.ts'
// The chip in the corner of each page: what the page cost, and a link to its trace.
import { raw } from './html.ts'

/** The placeholder for a page's numbers, which are known after rendering. */
const chipMark = placeholder(lateName)

/** From about 100 ms on, people notice the delay. */
const slowMs = 100

/** `3.1 ms · 2 queries`, the same numbers as in the Server-Timing header, and "slow" from 100 ms on. HTML. */
export function chipNumbers(costs: RequestCosts, answeredAt: number): string {
  const ms = elapsedMs(costs, answeredAt)
  const numbers = `${shortMs(ms)} &middot; ${costs.queries} ${costs.queries === 1 ? 'query' : 'queries'}`
  return ms < slowMs ? numbers : `${numbers}<b class="slow"> slow</b>`
}

/** Formats milliseconds with about three digits: `0.31 ms`, `31.2 ms`, `312 ms`, `3.12 s`. */
export const shortMs = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : 2)} ms`

/** The chip of a page. Opened, it loads the waterfall by htmx; without a script it contains a link to the trace. */
export const Chip = ({ traceId, failed, keeper }: ChipProps) =>
  raw(
    (failed ? failedChip : chip)
      .replaceAll(idMark, traceId)
      .replaceAll(keeperMark, keeper === undefined ? '' : `?kept_by=${keeper}`)
      .replace(shortMark, traceId.slice(0, 4)),
  )

type ChipProps = {
  traceId: string
  failed: boolean
  /** Where there may be several processes: the service.instance.id of this one. */
  keeper: string | undefined
}

// Rendered once at start: its fifteen elements took 5 % of the time of a page. Trace ids are hex: no escaping needed.
const idMark = '{id}'
const keeperMark = '{keeper}'
/** A service.instance.id that may stand in an address as it is. */
export const instanceName = /^[\w.~-]{1,100}$/
const shortMark = '{short}'
const renderChip = (failed: boolean): string =>
  (
    <aside aria-label='What this page did'>
      <details class={failed ? 'chip failed' : 'chip'} id='chip'>
        <summary>
          <span class='dot' aria-hidden='true'></span>
          <span class='vh'>This page took </span>
          <span class='numbers'>{chipMark}</span>
          <span class='short'> &middot; trace {shortMark}</span>
          {failed && <b> failed</b>}
          <b id='chip-more'></b>
        </summary>
        <div class='panel'>
          <div
            id='chip-panel'
            hx-get={`/traces/${idMark}/panel${keeperMark}`}
            hx-trigger='look'
            hx-sync='this:replace'
          >
            <p>
              <a href={`/traces/${idMark}${keeperMark}`}>Open the trace of this page</a>
            </p>
          </div>
          <form method='post' action='/chip'>
            <button name='chip' value='off' class='quiet'>
              Hide this
            </button>
          </form>
        </div>
      </details>
    </aside>
  ).toString()
const chip = renderChip(false)
const failedChip = renderChip(true)
