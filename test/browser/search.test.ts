// Search in a browser: what the keys ask for, what Enter asks for, and the two tabs.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { post } from '../process.ts'
import { openTown } from './browser.ts'

const town = openTown({}, async (url) => {
  const login = await post(`${url}/login`, {
    mailaddress: 'user0001@example.com',
    password: 'password123',
  })
  const cookie = login!.headers.getSetCookie()[0]!.split(';')[0]!
  for (const msg of ['A quokka at noon', 'Two quokkas at night'])
    await post(`${url}/tweet`, { msg }, cookie)
})

const found = (page: Page, count: string) =>
  page.waitForSelector(`#results [role=status]:has-text("${count} found")`)

test('typing finds beginnings; Enter finds the word; the keys find beginnings again', () =>
  town.story('Mara, ferry captain', async (page) => {
    await page.goto(`${town.url}/search`)
    await page.locator('#q').pressSequentially('quokk', { delay: 20 })
    await found(page, '2 tweets')
    await page.keyboard.press('Enter')
    await found(page, '0 tweets')
    assert.match(page.url(), /\/search\?q=quokk$/)
    await page.keyboard.type('a')
    await found(page, '2 tweets')
    await page.keyboard.press('Enter')
    await found(page, '1 tweet')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'q')
  }))

test('Enter right after the last key finds the word, and the keys before it do not change that', () =>
  town.story('Mara, ferry captain', async (page) => {
    await page.goto(`${town.url}/search`)
    // In one turn of the page, as somebody who types fast.
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('#q')!.focus()
      document.execCommand('insertText', false, 'quokk')
      document.querySelector<HTMLFormElement>('form:has(#q)')!.requestSubmit()
    })
    await found(page, '0 tweets')
    // The search of the keys waits for a quarter of a second.
    await page.waitForTimeout(600)
    await found(page, '0 tweets')
    assert.equal(await page.locator('#results:has-text("2 tweets found")').count(), 0)
  }))

test('the tab of people: typed into as well, with a way to follow', () =>
  town.story('Mara, ferry captain', async (page) => {
    await page.goto(`${town.url}/search?q=otto`)
    await page.waitForSelector('#results section[aria-label=People] .user-item')
    await page.click('#results .tabs >> text=People')
    await page.waitForURL(/type=people/)
    await page.waitForSelector('#feed .user-item:has-text("@otto")')
    await page.fill('#q', '')
    await page.locator('#q').pressSequentially('haddad', { delay: 20 })
    await page.waitForSelector('#feed .user-item:has-text("@leila")')
    assert.match(page.url(), /type=people/)
    await page.keyboard.press('Enter')
    await page.waitForSelector('#feed .user-item:has-text("@leila")')
    const button = page.locator('#feed .follow button').first()
    const before = await button.getAttribute('aria-pressed')
    await button.click()
    await page.waitForSelector(`#feed .follow button[aria-pressed=${String(before !== 'true')}]`)
  }))

test('without JavaScript: the same page, the same tabs', () =>
  town.story(
    'Mara, ferry captain',
    async (page) => {
      await page.goto(`${town.url}/search`)
      await page.fill('#q', 'mara')
      await page.click('main .search-form button')
      await page.waitForSelector('#results section .user-item:has-text("@mara")')
      await page.click('#results .tabs >> text=People')
      await page.waitForSelector('#feed .user-item:has-text("@mara")')
      await page.fill('#q', 'otto')
      await page.click('main .search-form button')
      await page.waitForSelector('#feed .user-item:has-text("@otto")')
    },
    { javaScriptEnabled: false },
  ))
