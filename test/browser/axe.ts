// axe in the page itself. AxeBuilder of @axe-core/playwright opens a second page for each look and describes what passed,
// too, which takes about four times as long.
import { createRequire } from 'node:module'

import type { Page } from 'playwright-core'

type Violation = { id: string; nodes: { html: string; failureSummary: string }[] }
type Axe = { run: (on: Document, options: object) => Promise<{ violations: Violation[] }> }

const { source } = createRequire(import.meta.resolve('@axe-core/playwright'))('axe-core') as {
  source: string
}

/** WCAG 2.2 AA, and good practice. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What axe finds on a page as it is now. */
export async function violationsOf(page: Page): Promise<Violation[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(`${source};0`)
  return page.evaluate(async (runOnly) => {
    if (document.querySelector('iframe, frame')) throw new Error('It does not look into frames.')
    const { axe } = window as unknown as { axe: Axe }
    const { violations } = await axe.run(document, { runOnly, resultTypes: ['violations'] })
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })),
    }))
  }, tags)
}
