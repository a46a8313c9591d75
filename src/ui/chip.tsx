// The quiet chip on every page: what the page cost, and the way to its trace.
import { raw } from 'hono/html'

import { elapsedMs, type RequestCosts } from '../telemetry/query-tracing.ts'
import { placeholder } from './fragment-cache.ts'

/** Where a page's numbers are put in after rendering. */
export const chipMark = placeholder('chip')

/** A page that takes longer is felt. */
const slowMs = 100

/** `3.1 ms · 2 queries`, the page's own numbers as they stand in its Server-Timing, and whether that is slow. */
export function chipNumbers(costs: RequestCosts, answeredAt: number): string {
  const ms = elapsedMs(costs, answeredAt)
  const numbers = `${shortMs(ms)} &middot; ${costs.queries} ${costs.queries === 1 ? 'query' : 'queries'}`
  return ms < slowMs ? numbers : `${numbers}<b class="slow"> slow</b>`
}

/** Milliseconds for people: three digits are enough. */
export const shortMs = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : 2)} ms`

/** Opens without a script too: then it holds the link to the trace alone. With htmx it loads the waterfall. */
export const Chip = ({ traceId, failed }: { traceId: string; failed: boolean }) =>
  raw(
    (failed ? failedChip : chip)
      .replaceAll(idMark, traceId)
      .replace(shortMark, traceId.slice(0, 4)),
  )

// Rendered once: on every page, its fifteen elements cost a twentieth of it. A trace's id is nothing but hex digits.
const idMark = '{id}'
const shortMark = '{short}'
const draw = (failed: boolean): string =>
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
            hx-get={`/traces/${idMark}/panel`}
            hx-trigger='look'
            hx-sync='this:replace'
          >
            <p>
              <a href={`/traces/${idMark}`}>Open the trace of this page</a>
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
const chip = draw(false)
const failedChip = draw(true)
