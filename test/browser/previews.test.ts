// Link previews in the browser: with and without JavaScript, removed by the author.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import type { Page } from 'playwright-core'

import { pageServer } from '../page-server.ts'
import { violationsOf } from './axe.ts'
import { enter, openTown } from './browser.ts'

const pages = await pageServer()
after(() => pages[Symbol.asyncDispose]())
const town = openTown(pages.env)

/** Writes a post with a link, and reads the timeline until its preview is there. */
async function write(page: Page, path: string): Promise<string> {
  await page.goto(`${town.url}/post`)
  await page.fill('textarea[name=msg]', `Look at this ${pages.url}${path}`)
  await page.click('form:has(textarea[name=msg]) button')
  await page.waitForURL('**/timeline')
  for (const giveUp = Date.now() + 20_000; ;) {
    const card = page.locator('#feed > article').first()
    if ((await card.locator('.preview').count()) === 1)
      return (await card.getAttribute('data-tweet-id'))!
    assert.ok(Date.now() < giveUp, 'no preview')
    await page.reload()
  }
}

const cardOf = (page: Page, id: string) => page.locator(`[data-tweet-id="${id}"]`)

test('a preview is one link in a new tab; its author removes it and stays where they are', () =>
  town.story('Ines, baker', async (page) => {
    const id = await write(page, '/geese')
    const preview = cardOf(page, id).locator('.preview')
    const link = preview.locator('a')
    assert.equal(await link.getAttribute('target'), '_blank')
    assert.equal(await link.getAttribute('rel'), 'nofollow ugc noopener')
    assert.match((await link.textContent())!, /All about <b>geese<\/b>.*127\.0\.0\.1/s)
    assert.equal(await preview.locator('b, img').count(), 0)

    const other = await town.browser.newContext()
    const theirs = await enter(other, town.url, 'Mara, ferry captain')
    await theirs.goto(`${town.url}/tweet/${id}`)
    assert.equal(await theirs.locator('.preview a').count(), 1)
    assert.equal(await theirs.getByText('Remove preview').count(), 0)
    await other.close()

    await page.getByRole('button', { name: 'Remove preview' }).focus()
    await page.keyboard.press('Enter')
    await preview.filter({ hasText: 'Preview removed.' }).waitFor()
    assert.equal(await link.count(), 0)
    const focused = () => document.activeElement?.className
    assert.equal(await page.evaluate(focused), 'preview', 'the focus stays in the card')
    await page.reload()
    assert.equal(await cardOf(page, id).locator('.preview').count(), 0)
  }))

test('without JavaScript: the preview is there, and a button removes it', () =>
  town.story(
    'Ines, baker',
    async (page) => {
      const id = await write(page, '/noscript')
      await page.goto(`${town.url}/@ines`)
      await cardOf(page, id).getByRole('button', { name: 'Remove preview' }).click()
      await page.waitForURL(`**/@ines#tweet-${id}`)
      assert.equal(await cardOf(page, id).locator('.preview').count(), 0)
      assert.match((await page.textContent('body'))!, /Preview removed\./)
    },
    { javaScriptEnabled: false },
  ))

test('axe finds no problem, light and dark, wide and narrow; no page scrolls sideways', async () => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390])
      await town.story(
        'Ines, baker',
        async (page) => {
          const id = await write(page, `/axe-${colorScheme}-${width}`)
          for (const path of ['/timeline', `/tweet/${id}`]) {
            await page.goto(town.url + path)
            assert.ok((await page.locator('.preview').count()) > 0)
            const violations = await violationsOf(page)
            assert.deepEqual(
              violations.map((one) => `${one.id} ${one.nodes[0]?.html.slice(0, 160)}`),
              [],
            )
            const wider = () => document.documentElement.scrollWidth - innerWidth
            assert.ok((await page.evaluate(wider)) <= 0, `${path} ${width}`)
          }
        },
        { colorScheme, viewport: { width, height: 900 } },
      )
})
