// WCAG 2.4.11: somebody who walks a page with Tab sees where they are. Nothing that is fixed may lie over all of it.
import assert from 'node:assert/strict'
import test from 'node:test'

import type { Page } from 'playwright-core'

import { scratch, startServer } from '../process.ts'
import { enter, launch } from './browser.ts'

const sizes = [
  { width: 390, height: 700 },
  { width: 320, height: 256 },
  { width: 1300, height: 700 },
]
const walks = [
  { key: 'Tab', paths: ['/timeline', '/@mara', '/search?q=goose', '/traces'] },
  { key: 'Shift+Tab', paths: ['/timeline', '/@mara/followers'] },
]
const stops = 100

/** What has the focus, when no point of it can be seen; else undefined. */
const covered = (page: Page) =>
  page.evaluate(async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
    const focused = document.activeElement
    if (!focused || focused === document.body) return undefined
    const steps = [0.02, 0.2, 0.35, 0.5, 0.65, 0.8, 0.98]
    for (const box of focused.getClientRects()) {
      // Only the part inside the window: a card may be higher than it.
      const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)]
      const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)]
      for (const across of steps) {
        for (const down of steps) {
          const [x, y] = [left + across * (right - left), top + down * (bottom - top)]
          if (focused.contains(document.elementFromPoint(x, y))) return undefined
        }
      }
    }
    const { top, bottom } = focused.getBoundingClientRect()
    return `${location.pathname} ${innerWidth}x${innerHeight}: ${focused.outerHTML.slice(0, 90)} at ${top.toFixed()}..${bottom.toFixed()}`
  })

test(`of ${stops} stops of Tab on any page, forth and back, none is wholly covered`, async () => {
  using place = scratch()
  await using browser = await launch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/focus.db`,
    LOG_LEVEL: 'silent',
  })
  const findings: string[] = []
  // At once: most of the time each window waits for its next frame.
  const walk = async (viewport: (typeof sizes)[number]) => {
    const context = await browser.newContext({ viewport })
    const page = await enter(context, server.url)
    for (const { key, paths } of walks) {
      for (const path of paths) {
        await page.goto(server.url + path)
        for (let stop = 0; stop < stops; stop++) {
          await page.keyboard.press(key)
          const found = await covered(page)
          if (found) findings.push(`${key} ${found}`)
        }
      }
    }
    await context.close()
  }
  await Promise.all(sizes.map(walk))
  assert.deepEqual(findings, [])
})
