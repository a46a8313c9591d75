// Clicks a like button in a real browser, through nginx.
import { enter, launch } from '../../test/browser/browser.ts'

export type BrowserClick = {
  traceId: string
  /** The trace of the page with the button. */
  pageTraceId: string
}

/** Signs in with a demo account and likes the first tweet that it has not liked yet. */
export async function clickInBrowser(url: string): Promise<BrowserClick> {
  const browser = await launch()
  try {
    const page = await enter(await browser.newContext(), url)
    const traceparent = await page.getAttribute('meta[name=traceparent]', 'content')
    const answered = page.waitForResponse((answer) => /\/favorite\/\d+$/.test(answer.url()))
    await page.locator('.btn-favorite:not(.on)').first().click()
    const { 'x-trace-id': traceId = '' } = await (await answered).allHeaders()
    return { traceId, pageTraceId: traceparent?.split('-')[1] ?? '' }
  } finally {
    await browser.close()
  }
}
