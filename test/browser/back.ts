// The Back button, and the page that one has after it.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import type { Page, Request } from 'playwright-core'

import { loaded } from './browser.ts'

/** The last thing that a page without JavaScript loads: its answer clears the cache. */
export const forgets = '**/session?changed'

/**
 * Goes back and waits until the page is final: another document, loaded and in sight, with all answers, for a while.
 * Playwright does not track pages from the back/forward cache. Where a test lets the cache not be cleared, a page may
 * never be loaded.
 */
export async function back(page: Page, { steps = 1, loads = true } = {}): Promise<string> {
  if (loads) await loaded(page)
  await pause(300)
  const asked = new Set<Request>()
  const ask = (request: Request) => request.url().endsWith('?changed') || asked.add(request)
  const answered = (request: Request) => asked.delete(request)
  page.on('request', ask).on('requestfinished', answered).on('requestfailed', answered)
  const go = (by: number) => {
    Object.assign(globalThis, { left: true })
    history.go(-by)
  }
  await page.evaluate(go, steps).catch(() => undefined)
  const read = () => ({
    isNew: !('left' in globalThis),
    isLoaded: document.readyState === 'complete',
    isInSight: getComputedStyle(document.documentElement).opacity === '1',
    since: performance.timeOrigin,
  })
  let [since, quiet] = [0, Date.now()]
  for (const giveUp = Date.now() + 20_000; ; await pause(50)) {
    const seen = await page.evaluate(read).catch(() => undefined)
    const isFinal = seen?.isNew && seen.isInSight && (seen.isLoaded || !loads) && asked.size === 0
    if (!isFinal || seen.since !== since) [since, quiet] = [seen?.since ?? 0, Date.now()]
    if (Date.now() - quiet > 700) break
    assert.ok(Date.now() < giveUp, `not final: ${JSON.stringify(seen)}, ${asked.size} answers`)
  }
  page.off('request', ask).off('requestfinished', answered).off('requestfailed', answered)
  return page.content()
}
