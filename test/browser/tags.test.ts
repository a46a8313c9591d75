// Mentions, hashtags and the side column: with and without JavaScript, wide and narrow, light and dark.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { enter, openTown, watch } from './browser.ts'

const town = openTown()

/** Writes a post with a mention and a tag, and follows both links. */
async function walk(page: Page, words: string): Promise<void> {
  await page.fill('#msg', `${words}, @Otto #Frühstück`)
  await page.click('#post-btn')
  const card = page.locator(`#feed > article:has-text("${words}")`)
  await card.waitFor()
  await card.getByRole('link', { name: '@Otto' }).click()
  await page.waitForURL('**/@otto')
  await page.goto(`${town.url}/timeline`)
  await card.getByRole('link', { name: '#Frühstück' }).click()
  await page.waitForURL('**/tag/**')
  assert.match(await page.title(), /^#frühstück - /)
  assert.equal(await page.textContent('h1'), '#frühstück')
  await page.locator(`#feed > article:has-text("${words}")`).waitFor()
}

/** The first suggestion of the side column, and a way to press its button. */
const suggested = (page: Page) => page.locator('.who-to-follow .follow').first()

test('a mention and a tag are links, the page of the tag has the post; a suggestion is followed in place', () =>
  town.story('Ines, baker', async (page) => {
    await page.setViewportSize({ width: 1300, height: 900 })
    await walk(page, 'Rolls at seven')
    await page.goto(`${town.url}/tag/FRUHSTUCK`)
    await page.locator('#feed > article:has-text("Rolls at seven")').waitFor()

    await page.goto(`${town.url}/timeline`)
    const before = Number(await page.textContent('#my-following b'))
    const id = await suggested(page).getAttribute('data-follow')
    const button = page.locator(`.who-to-follow [data-follow="${id}"] button`)
    await button.focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector(`.who-to-follow [data-follow="${id}"] button[aria-pressed=true]`)
    assert.equal(Number(await page.textContent('#my-following b')), before + 1)
    assert.ok(await button.evaluate((one) => one === document.activeElement), 'the focus stays')
    await page.goto(`${town.url}/timeline`)
    assert.equal(await page.locator(`.who-to-follow [data-follow="${id}"]`).count(), 0)

    // The same person in the list and in the side column: both buttons change.
    const other = (await suggested(page).getAttribute('data-follow'))!
    await page.goto(`${town.url}/user/${other}`)
    await page.waitForSelector(`.who-to-follow [data-follow="${other}"]`)
    await page.click('.profile .follow button')
    await page.waitForFunction(
      (person) =>
        [...document.querySelectorAll(`[data-follow="${person}"] button`)].every(
          (one) => one.getAttribute('aria-pressed') === 'true',
        ),
      other,
    )
    const trending = page.locator('.trending a').first()
    const tag = (await trending.textContent())!
    await trending.click()
    await page.waitForURL('**/tag/**')
    assert.equal(await page.textContent('h1'), tag.trim())
    assert.ok((await page.locator('#feed > article').count()) >= 2)
    const ids = await page.locator('[id]').evaluateAll((all) => all.map((one) => one.id))
    assert.equal(new Set(ids).size, ids.length, 'no id twice')
  }))

test('the same without JavaScript', async () => {
  const context = await town.browser.newContext({
    javaScriptEnabled: false,
    viewport: { width: 1300, height: 900 },
  })
  const page = await enter(context, town.url, 'Nell, librarian')
  const troubles = watch(page)
  await walk(page, 'Tea at four')
  const id = await suggested(page).getAttribute('data-follow')
  await suggested(page).locator('button').click()
  await page.waitForURL(`**/tag/**#user-${id}`)
  assert.equal(await page.locator(`.who-to-follow [data-follow="${id}"]`).count(), 0)
  assert.deepEqual(troubles, [])
  await context.close()
})

test('axe finds no problem on the page of a tag, and nothing is wider than a phone', async () => {
  const findings: string[] = []
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390]) {
      const context = await town.browser.newContext({
        colorScheme,
        viewport: { width, height: 800 },
      })
      const page = await enter(context, town.url)
      for (const path of ['/tag/thatgreen', '/tag/unused', '/timeline']) {
        await page.goto(`${town.url}${path}`)
        const violations = await violationsOf(page)
        findings.push(
          ...violations.map(
            (one) => `${path} ${colorScheme} ${width}: ${one.id} ${one.nodes[0]?.html}`,
          ),
        )
        const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
        if (isWide) findings.push(`${path} ${width}: too wide`)
      }
      await context.close()
    }
  assert.deepEqual(findings, [])
})
