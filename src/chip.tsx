// The quiet chip on every page: what the page cost, and the way to its trace.
import { raw } from 'hono/html'

import { elapsedMs, type RequestCosts } from './query-tracing.ts'

/** Where a page's numbers are put in after rendering. No text of a person can hold this character. */
export const chipMark = '\u0001'

/** `3.1 ms · 2 queries`, the page's own numbers as they stand in its Server-Timing. */
export const chipNumbers = (costs: RequestCosts, answeredAt: number): string =>
  `${shortMs(elapsedMs(costs, answeredAt))} &middot; ${costs.queries} ${costs.queries === 1 ? 'query' : 'queries'}`

/** Milliseconds for people: three digits are enough. */
export const shortMs = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : 2)} ms`

/** Opens without a script too: then it holds the link to the trace alone. With htmx it loads the waterfall. */
export const Chip = ({ traceId }: { traceId: string }) =>
  raw(chip.replaceAll(idMark, traceId).replace(shortMark, traceId.slice(0, 4)))

// Rendered once: on every page, its fifteen elements cost a twentieth of it. A trace's id is nothing but hex digits.
const idMark = '{id}'
const shortMark = '{short}'
const chip = (
  <aside aria-label='What this page did'>
    <details class='chip' id='chip'>
      <summary>
        <span class='dot' aria-hidden='true'></span>
        <span class='vh'>This page took </span>
        <span class='numbers'>{chipMark}</span>
        <span class='short'> &middot; trace {shortMark}</span>
        <b id='chip-more'></b>
      </summary>
      <div class='panel'>
        <div
          id='chip-panel'
          hx-get={`/traces/${idMark}/panel`}
          hx-trigger="toggle from:'closest details'"
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
