// The chip in the corner of each page: what the page cost, and a link to its trace.
import { elapsedMs, type RequestCosts } from '../telemetry/query-tracing.ts'
import { html, raw } from './html.ts'

/** From about 100 ms on, people notice the delay. */
const slowMs = 100

/** `3.1 ms · 2 queries`, the same numbers as in the Server-Timing header, and "slow" from 100 ms on. HTML. */
function numbersOf(costs: RequestCosts, answeredAt: number): string {
  const ms = elapsedMs(costs, answeredAt)
  const numbers = `${shortMs(ms)} &middot; ${costs.queries} ${costs.queries === 1 ? 'query' : 'queries'}`
  return ms < slowMs ? numbers : `${numbers}<b class="slow"> slow</b>`
}

/** Formats milliseconds with about three digits: `0.31 ms`, `31.2 ms`, `312 ms`, `3.12 s`. */
export const shortMs = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : 2)} ms`

/**
 * The chip of a page, which `encode` writes after all else: its numbers are known only then. Opened, it loads the waterfall
 * by htmx; without a script it contains a link to the trace.
 */
export const chipOf = ({ traceId, failed, keeper }: ChipProps) => ({
  bytesMax: chipBytesMax,
  text(costs: RequestCosts, answeredAt: number): string {
    let text = ''
    for (const piece of failed ? failedChip : chip) {
      if (piece === '{id}') text += traceId
      else if (piece === '{short}') text += traceId.slice(0, 4)
      else if (piece === '{keeper}') text += keeper === undefined ? '' : `?kept_by=${keeper}`
      else if (piece === '{numbers}') text += numbersOf(costs, answeredAt)
      else text += piece
    }
    return text
  },
})

type ChipProps = {
  traceId: string
  failed: boolean
  /** Where there may be several processes: the service.instance.id of this one. */
  keeper: string | undefined
}

/** A service.instance.id that may stand in an address as it is. */
export const instanceName = /^[\w.~-]{1,100}$/

// Rendered once at start: its fifteen elements took 5 % of the time of a page. Trace ids are hex: no escaping needed. The
// first JSX must be rendered after html.ts is loaded, which says why.
const renderChip = (failed: boolean): string[] =>
  html`${(
    <aside aria-label='What this page did'>
      <details class={failed ? 'chip failed' : 'chip'} id='chip'>
        <summary>
          <span class='dot' aria-hidden='true'></span>
          <span class='vh'>This page took </span>
          <span class='numbers'>{'{numbers}'}</span>
          <span class='short'>
            {raw(' &middot; trace ')}
            {'{short}'}
          </span>
          {failed && <b> failed</b>}
          <b id='chip-more'></b>
        </summary>
        <div class='panel'>
          <div
            id='chip-panel'
            hx-get={`/traces/{id}/panel{keeper}`}
            hx-trigger='look'
            hx-sync='this:replace'
          >
            <p>
              <a href={`/traces/{id}{keeper}`}>Open the trace of this page</a>
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
  )}`
    .toString()
    .split(/(\{\w+\})/)
const chip = renderChip(false)
const failedChip = renderChip(true)
/** What a mark stands for has no more than 120 bytes. */
const chipBytesMax = Buffer.byteLength(failedChip.join('')) + 120 * failedChip.length
