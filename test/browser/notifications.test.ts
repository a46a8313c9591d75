// Two people at two browsers: what one does shows in the navigation of the other, and is seen when it is opened.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { BrowserContextOptions, Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { becomes, chord, enter, openTown, watch } from './browser.ts'

const town = openTown()

/** The number in the navigation, as it is shown; undefined if there is none. */
const badge = async (page: Page) => {
  const shown = page.locator('.unseen:visible [aria-hidden]')
  return (await shown.count()) === 0 ? undefined : shown.first().textContent()
}
const isBadgeless = () =>
  document.readyState !== 'loading' &&
  [...document.querySelectorAll('.unseen')].every((one) => !one.checkVisibility())
const noBadge = (page: Page) => becomes(() => page.evaluate(isBadgeless).catch(() => false), true)

/** Opens the notifications, so that what the town has done before is seen. */
async function seeAll(page: Page): Promise<void> {
  await page.goto(`${town.url}/notifications`)
  // In one turn: with JavaScript the page sends its form by itself, and takes the button away.
  await page.evaluate(() => document.querySelector<HTMLElement>('#seen button')?.click())
  await noBadge(page)
  await page.goto(`${town.url}/timeline`)
}

async function write(page: Page, words: string): Promise<string> {
  await page.fill('#msg', words)
  await page.click('#post-btn')
  const card = page.locator(`#feed > article:has-text("${words}")`)
  await card.first().waitFor()
  return (await card.first().getAttribute('data-tweet-id'))!
}

/** Somebody else at another browser. */
async function another(who: string, options: BrowserContextOptions) {
  const context = await town.browser.newContext(options)
  const page = await enter(context, town.url, who)
  return { page, troubles: watch(page), leave: () => context.close() }
}

for (const javaScriptEnabled of [true, false])
  test(`A replies, B's navigation shows 1, B opens it, it is 0: ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () =>
    town.story(
      'Ines, baker',
      async (page) => {
        await seeAll(page)
        assert.equal(await badge(page), undefined)
        const words = `Fresh rolls ${javaScriptEnabled ? 'at six' : 'at seven'}`
        const id = await write(page, words)
        const hers = await another('Mara, ferry captain', { javaScriptEnabled })
        await hers.page.goto(`${town.url}/tweet/${id}`)
        await hers.page.locator('textarea[name=msg]').fill('Two for the ferry, please')
        await hers.page.locator('#post-btn').click()
        await hers.page.locator('article:has-text("Two for the ferry")').first().waitFor()

        await page.goto(`${town.url}/timeline`)
        assert.equal(await badge(page), '1')
        const link = page.locator('.rail').getByRole('link', { name: 'Notifications 1 new' })
        await link.click()
        await page.waitForURL('**/notifications')
        const entry = page.locator('#feed > article').first()
        assert.match(
          (await entry.textContent())!,
          /Mara.* replied to your post[\s\S]*Two for the ferry/,
        )
        assert.ok(await entry.evaluate((one) => one.classList.contains('fresh')))
        if (javaScriptEnabled) await noBadge(page)
        else {
          assert.equal(await badge(page), '1', 'a GET marks nothing')
          await page.getByRole('button', { name: 'Mark all as seen' }).click()
          await noBadge(page)
          assert.equal(await page.locator('#feed > .fresh').count(), 0)
        }
        assert.equal(await badge(page), undefined)
        assert.equal(await page.locator('#seen:visible').count(), 0)
        if (javaScriptEnabled) {
          // The page before shows no number any more, either.
          await page.goBack({ waitUntil: 'commit' })
          await page.waitForFunction(() => location.pathname === '/timeline')
          await noBadge(page)
        }
        // A like of the reply there and then; Mara is told.
        await page.goto(`${town.url}/notifications`)
        await page.locator('#feed > article').first().locator('.btn-favorite').click()
        await page.waitForSelector('#feed > article:first-child .btn-favorite.on')
        await hers.page.goto(`${town.url}/notifications`)
        assert.match(
          (await hers.page.locator('#feed > article').first().textContent())!,
          /Ines.* liked your post[\s\S]*Two for the ferry/,
        )
        assert.deepEqual(hers.troubles, [])
        await hers.leave()
        await page.goto(`${town.url}/timeline`)
        assert.equal(await badge(page), undefined)
      },
      { javaScriptEnabled },
    ))

test('g n goes there, ? lists it; j, k and Enter walk through the list', () =>
  town.story('Ines, baker', async (page) => {
    await page.keyboard.press('?')
    await page.waitForSelector('dialog dd:has-text("Notifications")')
    await page.keyboard.press('Escape')
    await chord(page, 'g', 'n')
    await page.waitForURL('**/notifications')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    const at = () => page.evaluate(() => document.activeElement?.getAttribute('aria-posinset'))
    assert.equal(await at(), '2')
    await page.keyboard.press('k')
    assert.equal(await at(), '1')
    const to = await page
      .locator('#feed > article')
      .first()
      .locator('.timestamp')
      .getAttribute('href')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**${to}`)
  }))

test('axe finds no problem on the list, light and dark, wide and narrow, and nothing is too wide', async () => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [who, width] of [
      ['Mara, ferry captain', 1280],
      ['Mara, ferry captain', 900],
      ['Mara, ferry captain', 390],
      ['Mara, ferry captain', 320],
    ] as const)
      await town.story(
        who,
        async (page) => {
          // Without the POST, so that the number and the marks stay.
          await page.route('**/notifications/seen', (route) => route.fulfill({ status: 204 }))
          await page.goto(`${town.url}/notifications`)
          await page.waitForSelector('.fresh')
          const violations = await violationsOf(page)
          assert.deepEqual(
            violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html.slice(0, 160)}`),
            [],
          )
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          assert.ok(wide <= 0, `${width}: ${wide}`)
          if (process.env['SHOTS'])
            await page.screenshot({
              path: `${process.env['SHOTS']}/notifications-${colorScheme}-${width}.png`,
            })
        },
        { colorScheme, viewport: { width, height: 900 } },
      )
})
