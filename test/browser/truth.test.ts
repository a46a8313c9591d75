// After an action the page says what is true now, without a reload.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { openTown, watch } from './browser.ts'

const town = openTown()

const viewport = { width: 1300, height: 800 }

/** Somebody new, who follows nobody. */
async function newcomer(name: string): Promise<Page> {
  const page = await (await town.browser.newContext({ viewport })).newPage()
  await page.goto(`${town.url}/register`)
  const form = page.locator('form[action="/register"]')
  await form.locator('[name=name]').fill(name)
  await form.locator('[name=mailaddress]').fill(`${name.toLowerCase()}@example.org`)
  await form.locator('[name=password]').fill('a long enough passphrase')
  await form.locator('[name=password]').press('Enter')
  await page.waitForURL('**/timeline')
  return page
}

const number = async (page: Page, selector: string) =>
  Number.parseInt((await page.textContent(selector))!, 10)

test('the first follow fills the timeline, and the numbers beside follow', async () => {
  const page = await newcomer('Newbie')
  const troubles = watch(page)
  await page.waitForSelector('text=Nothing here yet')
  assert.equal(await number(page, '#my-following'), 0)
  await page.locator('.suggestions .follow button').first().click()
  await page.waitForSelector('#feed > article')
  assert.equal(await page.isVisible('.empty-state'), false)
  assert.equal(await page.isVisible('#more a'), true)
  assert.equal(await number(page, '#my-following'), 1)
  const shown = await page.locator('#feed > article').count()
  await page.locator('.suggestions .follow button').nth(1).click()
  await page.waitForSelector('#my-following b:text-is("2")')
  assert.equal(
    await page.locator('#feed > article').count(),
    shown,
    'it is not read anew each time',
  )

  assert.equal(await number(page, '#my-tweets'), 0)
  await page.fill('#msg', 'Hello, town')
  await page.click('#post-btn')
  await page.waitForSelector('#my-tweets b:text-is("1")')
  await page.locator('article:has-text("Hello, town") .delete').click()
  await page.click('dialog .danger')
  await page.waitForSelector('#my-tweets b:text-is("0")')
  await page.reload()
  assert.equal(await number(page, '#my-tweets'), 0)
  assert.equal(await number(page, '#my-following'), 2)

  // Somebody whom nobody follows: their list has its first row at once, and loses it again.
  const lonely = await newcomer('Lonely')
  const handle = (await lonely.getAttribute('a.who[href$="lonely"]', 'href'))!
  await page.goto(`${town.url}${handle}/followers`)
  await page.waitForSelector('text=Nobody follows Lonely yet')
  const button = page.locator('.profile .follow button')
  await button.click()
  await page.waitForSelector('#feed > article:has-text("Newbie")')
  assert.equal(await page.isVisible('.empty-state'), false)
  assert.equal(await number(page, '.facts [id^=followers-of]'), 1)
  await button.click()
  await page.waitForSelector('#feed > article', { state: 'detached' })
  assert.equal(await page.isVisible('.empty-state'), true)
  assert.equal(await number(page, '.facts [id^=followers-of]'), 0)
  assert.deepEqual(troubles, [])
})

test('the numbers of a profile follow on each of its tabs', () =>
  town.story('Ines, baker', async (page) => {
    for (const tab of ['', '/likes', '/following', '/followers']) {
      await page.goto(`${town.url}/@hamish${tab}`)
      const before = await number(page, '.facts [id^=followers-of]')
      const button = page.locator('.profile .follow button')
      const pressed = (await button.getAttribute('aria-pressed')) === 'true'
      await button.click()
      const now = before + (pressed ? -1 : 1)
      await page.waitForSelector(`.facts [id^=followers-of]:has-text("${now} follower")`)
    }
    await page.goto(`${town.url}/@ines/following`)
    const before = await number(page, '.facts [id^=following-of]')
    await page.locator('#feed .follow.on button').first().click()
    await page.waitForSelector(`.facts [id^=following-of]:has-text("${before - 1} followed")`)
    assert.equal(await number(page, '#my-following'), before - 1)

    await page.goto(`${town.url}/@ines`)
    const tweets = await number(page, '.facts [id^=tweets-of]')
    await page.locator('#feed .delete').first().click()
    await page.click('dialog .danger')
    await page.waitForSelector(`.facts [id^=tweets-of]:has-text("${tweets - 1} ")`)
    assert.equal(await number(page, '#my-tweets'), tweets - 1)
  }))

test('a Following button says Unfollow under the pointer and with the focus, not the moment it was pressed', () =>
  town.story('Nell, librarian', async (page) => {
    await page.goto(`${town.url}/@nell/following`)
    const button = page.locator('#feed .follow.on button').first()
    assert.equal(await button.innerText(), 'Following')
    await button.hover()
    assert.equal(await button.innerText(), 'Unfollow')
    await page.mouse.move(2, 2)
    assert.equal(await button.innerText(), 'Following')
    const width = (await button.boundingBox())!.width
    await page.keyboard.press('Tab')
    await button.focus()
    assert.equal(await button.innerText(), 'Unfollow')
    assert.equal((await button.boundingBox())!.width, width, 'nothing beside it moves')
    const same = page.locator('#feed .follow button').first()
    await same.click()
    await page.waitForSelector('#feed .follow button[aria-pressed=false]')
    assert.equal(await same.innerText(), 'Follow')
    await same.click()
    await page.waitForSelector('#feed .follow button[aria-pressed=true]')
    assert.equal(await same.innerText(), 'Following')
    await page.waitForSelector('#feed .follow button[aria-pressed=true] .undo', {
      state: 'visible',
    })
  }))

test('relative times move on once a minute', async () => {
  const context = await town.browser.newContext({ viewport })
  const page = await context.newPage()
  await page.clock.install()
  await page.goto(`${town.url}/login`)
  await page.getByRole('button', { name: 'The Bench' }).click()
  await page.waitForURL('**/timeline')
  await page.fill('#msg', 'What time is it?')
  await page.click('#post-btn')
  const time = page.locator('article:has-text("What time is it?") time').first()
  assert.equal(await time.textContent(), 'now')
  const minute = 60_000
  for (const [ahead, expected] of [
    [2 * minute, /^[12]m$/],
    [70 * minute, /^1h$/],
    [25 * 60 * minute, /^1d$/],
    [8 * 24 * 60 * minute, /^\d{4}-\d\d-\d\d$/],
  ] as const) {
    await page.clock.fastForward(ahead)
    assert.match((await time.textContent())!, expected)
  }
  await context.close()
})
