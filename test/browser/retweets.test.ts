// Reposts and quotes: with and without JavaScript, by mouse and keys, the same post in several cards.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { enter, openTown, watch } from './browser.ts'

const town = openTown()

const cardsOf = (page: Page, id: string) => page.locator(`[data-tweet-id="${id}"]`)
const pressed = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((all) => all.map((one) => one.getAttribute('aria-pressed')))
const counts = (page: Page, selector: string) =>
  page
    .locator(`${selector} span:first-child`)
    .evaluateAll((all) => all.map((one) => one.textContent))

/** Writes a post and returns its id. */
async function write(page: Page, words: string): Promise<string> {
  await page.fill('#msg', words)
  await page.click('#post-btn')
  const card = page.locator(`#feed > article:has-text("${words}")`)
  await card.waitFor()
  return (await card.getAttribute('data-tweet-id'))!
}

test('t reposts, the followers see it; the same post in two cards: a like and an undo change both', () =>
  town.story('Ines, baker', async (page) => {
    const id = await write(page, 'The oven is warm')
    await cardsOf(page, id).focus()
    await page.keyboard.press('t')
    await page.waitForSelector(`[data-tweet-id="${id}"] .retweet.on`)
    assert.deepEqual(await counts(page, `[data-tweet-id="${id}"] .retweet`), ['1'])
    await page.keyboard.press('?')
    await page.waitForSelector('dialog:has-text("Repost")')
    await page.keyboard.press('Escape')
    assert.equal(await page.getAttribute('#chip', 'open'), null, 'w opens that')
    await page.keyboard.press('w')
    await page.waitForSelector('#chip[open]')
    await page.keyboard.press('Escape')

    // One row a slice: the repost, then the original.
    await page.goto(`${town.url}/timeline?limit=1`)
    await page.waitForSelector('#feed > article:nth-child(2)')
    const both = cardsOf(page, id)
    assert.equal(await both.count(), 2)
    assert.match((await both.first().textContent())!, /Ines.* reposted/)
    const names = await page.locator('[id]').evaluateAll((all) => all.map((one) => one.id))
    assert.equal(new Set(names).size, names.length, 'no id twice')
    const heart = `[data-tweet-id="${id}"] .btn-favorite`
    await page.locator(heart).first().focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction(
      (selector) =>
        [...document.querySelectorAll(selector)].every(
          (one) => one.getAttribute('aria-pressed') === 'true',
        ),
      heart,
    )
    assert.deepEqual(await counts(page, `[data-tweet-id="${id}"] .btn-favorite`), ['1', '1'])
    assert.ok(
      await page
        .locator(heart)
        .first()
        .evaluate((one) => one === document.activeElement),
      'the focus stays on the button',
    )
    await page.keyboard.press('Enter')
    await page.waitForFunction(
      (selector) => document.querySelectorAll(`${selector}[aria-pressed=false]`).length === 2,
      heart,
    )
    await both.nth(1).locator('.retweet').click()
    await page.waitForFunction(
      (selector) => document.querySelectorAll(`${selector}[aria-pressed=false]`).length === 2,
      `[data-tweet-id="${id}"] .retweet`,
    )
    await both.nth(1).locator('.retweet').click()
    await page.waitForFunction(
      (selector) => document.querySelectorAll(`${selector}[aria-pressed=true]`).length === 2,
      `[data-tweet-id="${id}"] .retweet`,
    )

    const other = await town.browser.newContext()
    const hers = await enter(other, town.url, 'Mara, ferry captain')
    const troubles = watch(hers)
    await hers.goto(`${town.url}/@ines`)
    const shown = hers.locator('#feed > article').first()
    assert.match((await shown.textContent())!, /reposted[\s\S]*The oven is warm/)
    await shown.locator('.msg').click({ position: { x: 2, y: 2 } })
    await hers.waitForURL(`**/tweet/${id}`)
    assert.deepEqual(troubles, [])
    await other.close()

    // Back from a page on which it was changed: all of its cards are renewed.
    await page.goto(`${town.url}/@ines`)
    assert.deepEqual(await pressed(page, heart), ['false'])
    await cardsOf(page, id).first().locator('.timestamp').click()
    await page.waitForURL(`**/tweet/${id}`)
    await page.locator('.one .btn-favorite').click()
    await page.waitForSelector('.one .btn-favorite.on')
    await page.goBack({ waitUntil: 'commit' })
    await page.waitForSelector(`#feed [data-tweet-id="${id}"] .btn-favorite.on`)

    // A deletion takes all cards of the page away.
    await page.goto(`${town.url}/timeline?limit=1`)
    await page.waitForSelector('#feed > article:nth-child(2)')
    await both.first().hover()
    await both.first().locator('.delete').click()
    await page.waitForSelector('dialog:has-text("Its reposts go with it")')
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.waitForFunction(
      (selector) => document.querySelector(selector) === null,
      `[data-tweet-id="${id}"]`,
    )
  }))

for (const javaScriptEnabled of [true, false])
  test(`a quote ${javaScriptEnabled ? 'with' : 'without'} JavaScript: the link, the form, the card; then it is gone`, () =>
    town.story(
      'Ines, baker',
      async (page) => {
        const mine = page.locator('#feed > article:has-text("Quote me if you can")')
        await page.fill('#msg', 'Quote me if you can')
        await page.click('#post-btn')
        await mine.first().waitFor()
        const id = (await mine.first().getAttribute('data-tweet-id'))!
        await mine.first().locator('.quote').click()
        await page.waitForURL(`**/post?quote=${id}`)
        assert.match((await page.textContent('.quoted'))!, /Quote me if you can/)
        await page.locator('#composer textarea').fill('I can')
        await page.click('#post-btn')
        await page.waitForURL('**/timeline')
        const quote = page.locator('#feed > article:has-text("I can")').first()
        assert.match((await quote.locator('.quoted').textContent())!, /Quote me if you can/)
        const own = (await quote.getAttribute('data-tweet-id'))!
        await quote.locator('.quoted .username').click()
        await page.waitForURL(`**/tweet/${id}`)
        await page.goto(`${town.url}/tweet/${id}/delete`)
        await page.getByRole('button', { name: 'Delete' }).click()
        await page.waitForURL('**/timeline')
        await page.goto(`${town.url}/tweet/${own}`)
        await page.waitForSelector('.quoted.gone:has-text("This post is gone.")')
      },
      { javaScriptEnabled },
    ))

test('without JavaScript: repost and undo with the button', () =>
  town.story(
    'Ines, baker',
    async (page) => {
      await page.goto(`${town.url}/@mara`)
      const id = (await page.locator('#feed > article').first().getAttribute('data-tweet-id'))!
      await cardsOf(page, id).locator('.retweet').click()
      await page.waitForURL(`**/@mara#tweet-${id}`)
      assert.deepEqual(await pressed(page, `#tweet-${id} .retweet`), ['true'])
      await page.goto(`${town.url}/@ines`)
      assert.match((await cardsOf(page, id).textContent())!, /reposted/)
      await cardsOf(page, id).locator('.retweet').click()
      await page.waitForURL('**/@ines#*')
      assert.equal(await cardsOf(page, id).count(), 0)
    },
    { javaScriptEnabled: false },
  ))

test('axe finds no problem on reposts and quotes, light and dark, wide and narrow', async () => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390])
      await town.story(
        'Ines, baker',
        async (page) => {
          await page.evaluate(async () => {
            await fetch('/retweet/9', { method: 'POST' })
            const fields = { msg: 'See the other bank for more', quote: '11' }
            await fetch('/tweet', { method: 'POST', body: new URLSearchParams(fields) })
          })
          const look = async (name: string) => {
            const violations = await violationsOf(page)
            assert.deepEqual(
              violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html.slice(0, 160)}`),
              [],
            )
            const wide = await page.evaluate(
              () => document.documentElement.scrollWidth - innerWidth,
            )
            assert.ok(wide <= 0, `${name} ${width}: ${wide}`)
            if (process.env['SHOTS'])
              await page.screenshot({
                path: `${process.env['SHOTS']}/${name}-${colorScheme}-${width}.png`,
              })
          }
          await page.goto(`${town.url}/@ines`)
          await page.waitForSelector('.passed')
          await page.waitForSelector('.quoted')
          await look('reposts')
          await page.goto(`${town.url}/post?quote=11`)
          await look('quote')
          await page.evaluate(() => fetch('/unretweet/9', { method: 'POST' }))
        },
        { colorScheme, viewport: { width, height: 900 } },
      )
})
