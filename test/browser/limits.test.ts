// Rate limits of a strict instance in the browser: search as you type, and refused forms.
import assert from 'node:assert/strict'
import { after as atEnd, before as atStart, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import type { Browser, BrowserContext, Page } from 'playwright-core'

import { scratch, startServer } from '../process.ts'
import { launch, loaded, watch } from './browser.ts'

let browser: Browser
atStart(async () => {
  browser = await launch()
})
atEnd(() => browser.close())

/** Runs a test as a new user of an instance with DEMO=0. */
async function asNewUser(
  env: Record<string, string>,
  act: (page: Page, url: string, context: BrowserContext) => Promise<void>,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<void> {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/strict.db`,
    LOG_LEVEL: 'silent',
    DEMO: '0',
    ...env,
  })
  const context = await browser.newContext(options)
  const page = await context.newPage()
  await page.goto(`${server.url}/register`)
  await page.fill('#reg-name', 'Nell')
  await page.fill('#reg-mailaddress', 'nell@example.org')
  await page.fill('#reg-password', 'correct horse battery')
  await page.click('#register-form button')
  await page.waitForURL('**/timeline')
  await page.goto(`${server.url}/search`)
  const troubles = watch(page)
  await act(page, server.url, context)
  assert.deepEqual(troubles, [])
  await context.close()
}

const keyMs = 330

/**
 * Types a key each 330 ms, or, where the answer to its search takes longer, after that: a search that the next key replaces
 * has no status. Returns the statuses of the searches.
 */
async function typed(page: Page, text: string): Promise<number[]> {
  const statuses: number[] = []
  for (const key of text) {
    const answered = page.waitForResponse((answer) => new URL(answer.url()).pathname === '/search')
    await Promise.all([
      page.locator('#q').pressSequentially(key),
      answered.then((answer) => statuses.push(answer.status())),
      pause(keyMs),
    ])
  }
  return statuses
}

test('search as you type, a key each 330 ms, is not refused, although as many pages would be', () =>
  // Relative to the limit of pages, as many keys as 40 s of typing on a real strict instance: more than the limit.
  asNewUser({ LIMIT_SEARCH: '6/60', LIMIT_SEARCH_TYPING: '30/60' }, async (page) => {
    const statuses = await typed(page, 'marmalade at dawn')
    await page.waitForURL(/q=marmalade(\+|%20)at(\+|%20)dawn$/)
    await page.waitForSelector('#results:has-text("0 tweets found")')
    assert.ok(statuses.length > 12, `only ${statuses.length} searches`)
    assert.deepEqual(new Set(statuses), new Set([200]))
    assert.equal(await page.locator('.toast').count(), 0)
  }))

test('a refused search is shown in the status line, and the previous results are removed', () =>
  asNewUser({ LIMIT_SEARCH_TYPING: '2/8' }, async (page) => {
    const statuses = await typed(page, 'goo')
    await page.waitForSelector(
      '#results [role=status]:has-text("That was too often. Try again in")',
    )
    assert.deepEqual(statuses, [200, 200, 429])
    assert.equal(
      await page.textContent('#results').then((text) => /found|Nothing/.test(text!)),
      false,
    )
    assert.equal(await page.inputValue('#q'), 'goo')
    assert.equal(await page.locator('.toast').count(), 0)
    assert.match(page.url(), /q=goo$/)
    await page.waitForTimeout(8000)
    await page.locator('#q').pressSequentially('s')
    await page.waitForSelector('#results:has-text("0 tweets found")')
  }))

test('a search that fails on the server removes the previous results, too', () =>
  asNewUser({}, async (page) => {
    await page.locator('#q').pressSequentially('goose')
    await page.waitForSelector('#results:has-text("0 tweets found")')
    const body = '<p class="problem">The database does not answer.</p>'
    await page.route('**/search?*', (route) =>
      route.fulfill({ status: 503, contentType: 'text/html', body }),
    )
    await page.locator('#q').pressSequentially('s')
    await page.waitForSelector('#results:has-text("The database does not answer.")')
    assert.equal(await page.locator('#results:has-text("found")').count(), 0)
  }))

const words = 'Rolls are out & Admiral is in'

test('a tweet over the rate limit stays in the form, with a message and the focus, and can be posted later', () =>
  asNewUser({ LIMIT_WRITE: '1/8' }, async (page, url) => {
    await page.goto(`${url}/timeline`)
    await page.fill('#msg', 'The first one')
    await page.click('#post-btn')
    await page.waitForSelector('#toasts:has-text("Posted.")')
    await page.fill('#msg', words)
    await page.click('#post-btn')
    await page.waitForSelector('#msg-problem:has-text("That was too often. Try again in")')
    assert.equal(await page.inputValue('#msg'), words)
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'msg')
    assert.equal(await page.locator('.toast:has-text("too often")').count(), 0)
    await page.waitForTimeout(8000)
    await page.click('#post-btn')
    await page.waitForSelector('#feed > article:first-child:has-text("Admiral is in")')
  }))

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without'
  test(`forms over the rate limit without htmx keep the typed text, ${how} JavaScript`, () =>
    asNewUser(
      { LIMIT_WRITE: '1/60', LIMIT_REGISTER_ATTEMPT: '1/60' },
      async (page, url, context) => {
        for (const text of ['The first one', words]) {
          await page.goto(`${url}/post`)
          await page.fill('#msg', text)
          await page.click('#post-btn')
          await loaded(page)
        }
        await page.waitForSelector('#msg-problem:has-text("That was too often")')
        assert.equal(await page.inputValue('#msg'), words)
        await context.clearCookies()
        for (let times = 0; times < 2; times++) {
          await page.goto(`${url}/register`)
          await page.fill('#reg-name', 'Una Plain')
          await page.fill('#reg-mailaddress', 'una@example.org')
          await page.fill('#reg-password', 'short')
          await page.click('#register-form button')
        }
        await page.waitForSelector('#register-form [role=alert]:has-text("That was too often")')
        assert.equal(await page.inputValue('#reg-name'), 'Una Plain')
        assert.equal(await page.inputValue('#reg-mailaddress'), 'una@example.org')
        assert.equal(await page.inputValue('#reg-password'), '')
      },
      { javaScriptEnabled },
    ))
}

test('after Back to the sign-in page, a click on another demo user signs in as that user', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/town.db`,
    LOG_LEVEL: 'silent',
  })
  const page = await browser.newPage()
  await page.goto(`${server.url}/login?next=%2Ffollowing`)
  for (const [button, name] of [
    ['Mara, ferry captain', 'Mara'],
    ['Ines, baker', 'Ines'],
  ] as const) {
    await page.getByRole('button', { name: button }).click()
    await page.waitForURL('**/following')
    await page.waitForSelector(`text=Hello, ${name}`)
    await page.evaluate(() => history.back()).catch(() => undefined)
    // Not waitForURL: a page from the back/forward cache fires no load event.
    await page.waitForFunction(() => location.pathname === '/login')
  }
  await page.close()
})
