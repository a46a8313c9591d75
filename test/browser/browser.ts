// A real Chromium: that of the system, else that of an npm package, fetched once.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, before } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core'

import { fetched } from '../fetched.ts'
import { scratch, startServer } from '../process.ts'

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

/** Reads again until it is what is expected, for half a minute: what a page does by itself takes its time on a busy machine. */
export async function becomes<Value>(
  read: () => Promise<Value>,
  expected: Value,
  message?: string,
): Promise<void> {
  for (const giveUp = Date.now() + 30_000; Date.now() < giveUp; await pause(50))
    if (isDeepStrictEqual(await read(), expected)) return
  assert.deepEqual(await read(), expected, message)
}

/**
 * Waits until all of a page is there. Not for its event: a page from the back/forward cache has none. Not with
 * waitForFunction, which asks only once where there is no JavaScript.
 */
export async function loaded(page: Page): Promise<void> {
  const isThere = () => page.evaluate(() => document.readyState === 'complete').catch(() => false)
  await becomes(isThere, true, 'the page is loaded')
}

/** Two keys one after the other, sent without a wait between them: the page gives the second one 1.5 s. */
export async function chord(page: Page, ...keys: [string, string]): Promise<void> {
  await Promise.all(keys.map((key) => page.keyboard.press(key)))
}

type Town = {
  browser: Browser
  url: string
  /** Runs a test as a demo user, on the timeline; an error on the page fails the test. */
  story: (
    who: string,
    act: (page: Page) => Promise<void>,
    options?: BrowserContextOptions,
  ) => Promise<void>
}

/** A browser, and a server with the demo world on a fresh file, for the tests of one file; `prepare` runs before them. */
export function openTown(
  settings: Record<string, string> = {},
  prepare?: (url: string) => Promise<void>,
): Town {
  const town = {
    async story(who, act, options) {
      const context = await town.browser.newContext(options)
      const page = await enter(context, town.url, who)
      const troubles = watch(page)
      await act(page)
      assert.deepEqual(troubles, [])
      await context.close()
    },
  } as Town
  const place = scratch()
  let server: Awaited<ReturnType<typeof startServer>> | undefined
  before(async () => {
    town.browser = await launch()
    server = await startServer({
      DATABASE_URL: `file:${place.folder}/town.db`,
      LOG_LEVEL: 'silent',
      ...settings,
    })
    town.url = server.url
    await prepare?.(server.url)
  })
  after(async () => {
    await town.browser?.close()
    await server?.stop()
    place[Symbol.dispose]()
  })
  return town
}
