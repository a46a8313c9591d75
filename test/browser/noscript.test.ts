// The same deeds with JavaScript off.
import assert from 'node:assert/strict'
import test from 'node:test'

import { scratch, startServer } from '../process.ts'
import { launch, watch } from './browser.ts'

test('without JavaScript: sign up, post, like, follow, delete, page on, search, theme, account, trace, log out', async () => {
  using place = scratch()
  await using browser = await launch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/noscript.db`,
    LOG_LEVEL: 'silent',
  })
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  const troubles = watch(page)
  await page.goto(`${server.url}/register`)
  await page.fill('#reg-name', 'Una Plain')
  await page.fill('#reg-mailaddress', 'una@example.org')
  await page.fill('#reg-password', 'a long password')
  await page.click('#register-form button')
  await page.waitForURL('**/timeline')
  await page.waitForSelector('text=Who to follow')
  await page.locator('.suggestions .follow button').first().click()
  await page.waitForURL(/timeline#user-/)
  assert.ok((await page.locator('#feed > article').count()) > 0)

  await page.fill('#msg', 'Plain and simple')
  await page.click('#post-btn')
  await page.waitForSelector('#toasts:has-text("Posted.")')
  const mine = page.locator('article:has-text("Plain and simple")')
  await mine.locator('.btn-favorite').click()
  await page.waitForURL(/timeline#tweet-\d+/)
  assert.equal(await mine.locator('.btn-favorite').getAttribute('aria-pressed'), 'true')
  await page.fill('#msg', 'x'.repeat(300))
  await page.click('#post-btn')
  await page.waitForSelector('#msg-problem')
  assert.equal((await page.inputValue('#msg')).length, 300)

  await page.goto(`${server.url}/timeline`)
  await mine.locator('.delete').click()
  await page.waitForURL('**/delete')
  await page.click('.danger')
  await page.waitForSelector('#toasts:has-text("Deleted.")')
  assert.equal(await mine.count(), 0)

  await page.click('#more a')
  await page.waitForURL(/before=\d+/)
  await page.click('text=Newer')
  await page.waitForURL('**/timeline')
  await page.fill('#side-q', 'goose')
  await page.press('#side-q', 'Enter')
  await page.waitForSelector('text=tweets found')
  await page.click('.themes button[value=dark]')
  await page.waitForSelector('html[data-theme=dark]')

  await page.goto(`${server.url}/account`)
  await page.fill('#name', 'Una Fancy')
  await page.click('form[action="/account/profile"] button')
  await page.waitForSelector('text=Hello, Una Fancy')
  await page.click('#chip summary')
  await page.click('text=Open the trace of this page')
  await page.waitForSelector('.waterfall:has-text("GET /account")')
  await page.click('form.out button')
  await page.waitForURL(`${server.url}/`)
  assert.equal(await page.locator('text=Hello,').count(), 0)
  assert.deepEqual(troubles, [])
})
