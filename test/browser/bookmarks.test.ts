// Bookmarks, everybody and the tabs of a profile: with and without JavaScript, by mouse and keys.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { chord, enter, openTown, watch } from './browser.ts'

const town = openTown()

const pressed = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((all) => all.map((one) => one.getAttribute('aria-pressed')))
const allPressed = (page: Page, selector: string, state: boolean) =>
  page.waitForFunction(
    ([one, value]) =>
      [...document.querySelectorAll(one!)].length > 0 &&
      [...document.querySelectorAll(one!)].every(
        (button) => button.getAttribute('aria-pressed') === value,
      ),
    [selector, String(state)],
  )

/** Writes a post and returns its id. */
async function write(page: Page, words: string): Promise<string> {
  await page.fill('#msg', words)
  await page.click('#post-btn')
  const card = page.locator(`#feed > article:has-text("${words}")`)
  await card.waitFor()
  return (await card.getAttribute('data-tweet-id'))!
}

test('b bookmarks all cards of a post; the list has it; nobody else sees it', () =>
  town.story('Ines, baker', async (page) => {
    const id = await write(page, 'Keep this loaf')
    const button = `[data-tweet-id="${id}"] .bookmark`
    const card = page.locator(`[data-tweet-id="${id}"]`)
    await card.focus()
    await page.keyboard.press('t')
    await page.waitForSelector(`[data-tweet-id="${id}"] .retweet.on`)
    await page.keyboard.press('?')
    await page.waitForSelector('dialog:has-text("Bookmark")')
    await page.waitForSelector('dialog:has-text("Everybody")')
    await page.keyboard.press('Escape')

    // The repost, then the original: a card each.
    await page.goto(`${town.url}/timeline?limit=1`)
    await page.waitForSelector('#feed > article:nth-child(2)')
    await card.first().focus()
    await page.keyboard.press('b')
    await allPressed(page, button, true)
    assert.equal((await pressed(page, button)).length, 2)
    assert.ok(await card.first().evaluate((one) => one === document.activeElement))
    // Not of the page: it loads more, and among that is a post that she has bookmarked before.
    const named = card.getByRole('button', { name: 'Bookmark', exact: true, pressed: true })
    assert.equal(await named.count(), 2)

    await chord(page, 'g', 'b')
    await page.waitForURL('**/bookmarks')
    assert.match((await page.locator('#feed > article').first().textContent())!, /Keep this loaf/)

    const other = await town.browser.newContext()
    const hers = await enter(other, town.url, 'Mara, ferry captain')
    const troubles = watch(hers)
    await hers.goto(`${town.url}/tweet/${id}`)
    assert.deepEqual(await pressed(hers, button), ['false'])
    assert.equal(await hers.locator(button).textContent(), '')
    await hers.goto(`${town.url}/bookmarks`)
    await hers.waitForSelector('text=You have no bookmarks yet')
    assert.deepEqual(troubles, [])
    await other.close()

    // Taken back on the list: the card stays, the next reading is without it.
    await page.locator(button).click()
    await allPressed(page, button, false)
    await page.reload()
    assert.equal(await page.locator(`#tweet-${id}`).count(), 0)
  }))

test('the button changes at once, and back again with a sentence when it fails', () =>
  town.story('Ines, baker', async (page) => {
    await page.goto(`${town.url}/tweet/7`)
    let answer = () => {}
    const waits = new Promise<void>((done) => (answer = done))
    await page.route('**/bookmark/7', async (route) => {
      await waits
      await route.fulfill({ status: 503, body: '<p class="problem">Later, please.</p>' })
    })
    const filled = () =>
      page
        .locator('.one .bookmark')
        .evaluate((button) => getComputedStyle(button).getPropertyValue('--icon') === '6')
    assert.equal(await filled(), false)
    await page.locator('.one .bookmark').click()
    await page.waitForSelector('.one .bookmark.htmx-request')
    assert.equal(await filled(), true, 'before the answer')
    answer()
    await page.waitForSelector('.toast:has-text("Later, please.")')
    assert.equal(await filled(), false)
    assert.deepEqual(await pressed(page, '.one .bookmark'), ['false'])
  }))

test('Back from a post that was bookmarked there renews its card', () =>
  town.story('Ines, baker', async (page) => {
    await page.goto(`${town.url}/@mara`)
    // At some hours of the demo town's first start she has bookmarked the newest one before.
    const card = page.locator('#feed > article:not(:has(.bookmark.on))').first()
    const id = await card.getAttribute('data-tweet-id')
    await card.locator('.timestamp').click()
    await page.waitForURL('**/tweet/*')
    await page.locator('.one .bookmark').click()
    await page.waitForSelector('.one .bookmark.on')
    await page.goBack({ waitUntil: 'commit' })
    await page.waitForSelector(`#feed [data-tweet-id="${id}"] .bookmark.on`)
    await page.locator(`#feed [data-tweet-id="${id}"] .bookmark`).first().click()
    await page.waitForSelector(`#feed [data-tweet-id="${id}"] .bookmark:not(.on)`)
  }))

test('everybody: by key and navigation, more while scrolling; for visitors, too', async () => {
  await town.story('Ines, baker', async (page) => {
    await chord(page, 'g', 'e')
    await page.waitForURL('**/everybody')
    assert.equal(await page.locator('#menu [aria-current=page]').textContent(), 'Everybody')
    await page.locator('#feed > article').nth(19).scrollIntoViewIfNeeded()
    await page.waitForSelector('#feed > article:nth-child(40)')
    await page.waitForURL('**/everybody?through=*')
    const last = await page.locator('#feed > article').nth(39).getAttribute('id')
    await page.reload()
    await page.waitForSelector(`#feed > article:nth-child(40)#${last}`)
    assert.equal(await page.locator('#feed .passed, #feed .to').count(), 0)
  })
  const context = await town.browser.newContext()
  const page = await context.newPage()
  const troubles = watch(page)
  await page.goto(`${town.url}/`)
  await page.getByRole('link', { name: 'Everybody' }).first().click()
  await page.waitForURL('**/everybody')
  await page.locator('.bookmark').first().click()
  await page.waitForURL('**/login?next=*')
  assert.deepEqual(troubles, [])
  await context.close()
})

test('without JavaScript: bookmark, take it back, page on, the tabs of a profile', () =>
  town.story(
    'Ines, baker',
    async (page) => {
      await page.click('#menu a[href="/everybody"]')
      await page.waitForURL('**/everybody')
      const card = page.locator('#feed > article').nth(2)
      const id = await card.getAttribute('data-tweet-id')
      await card.locator('.bookmark').click()
      await page.waitForURL(`**/everybody#tweet-${id}`)
      assert.deepEqual(await pressed(page, `#tweet-${id} .bookmark`), ['true'])
      await page.click('#menu a[href="/bookmarks"]')
      await page.waitForURL('**/bookmarks')
      await page.locator(`#tweet-${id} .bookmark`).click()
      await page.waitForURL(`**/bookmarks#tweet-${id}`)
      assert.equal(await page.locator(`#tweet-${id}`).count(), 0)
      await page.goto(`${town.url}/everybody`)
      await page.click('#more a')
      await page.waitForURL(/everybody\?before=\d+/)
      await page.click('text=Newer')
      await page.waitForURL('**/everybody')
      await page.goto(`${town.url}/@mara`)
      for (const tab of ['Replies', 'Likes', 'Posts']) {
        await page.locator('.tabs').getByRole('link', { name: tab }).click()
        await page.waitForSelector(`.tabs [aria-current=page]:has-text("${tab}")`)
        assert.ok((await page.locator('#feed > article').count()) > 0, tab)
      }
    },
    { javaScriptEnabled: false },
  ))

test('axe finds no problem, light and dark, wide and narrow; nothing is cut off', async () => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390])
      await town.story(
        'Ines, baker',
        async (page) => {
          await page.evaluate(async () => {
            for (const id of [7, 9, 11]) await fetch(`/bookmark/${id}`, { method: 'POST' })
          })
          for (const path of ['/bookmarks', '/everybody', '/@mara/likes', '/tweet/7']) {
            await page.goto(town.url + path)
            await page.waitForSelector('.bookmark')
            const violations = await violationsOf(page)
            assert.deepEqual(
              violations.map(({ id, nodes }) => `${path} ${id} ${nodes[0]?.html.slice(0, 160)}`),
              [],
            )
            const wide = await page.evaluate(
              () => document.documentElement.scrollWidth - innerWidth,
            )
            assert.ok(wide <= 0, `${path} ${width}: ${wide}`)
            if (process.env['SHOTS'])
              await page.screenshot({
                path: `${process.env['SHOTS']}/lists${path.replaceAll('/', '-')}-${colorScheme}-${width}.png`,
              })
          }
          await page.evaluate(async () => {
            for (const id of [7, 9, 11]) await fetch(`/unbookmark/${id}`, { method: 'POST' })
          })
        },
        { colorScheme, viewport: { width, height: 900 } },
      )
})
