// Two people talk: with and without JavaScript.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { becomes, enter, openTown, watch } from './browser.ts'

const town = openTown()

const field = (page: Page) => page.locator('#composer textarea')
const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.id || document.activeElement?.localName)
const count = (page: Page, id: string) =>
  page.locator(`[data-tweet-id="${id}"] .reply`).textContent()
const path = (page: Page) => {
  const { pathname, search, hash } = new URL(page.url())
  return pathname + search + hash
}

test('with JavaScript: r leads to the field, the reply is there at once, the other one answers it', () =>
  town.story('Ines, baker', async (page) => {
    await page.fill('#msg', 'Who has the red glove?')
    await page.click('#post-btn')
    const mine = page.locator('#feed > article:has-text("Who has the red glove?")')
    const id = (await mine.getAttribute('data-tweet-id'))!
    await mine.focus()
    await page.keyboard.press('r')
    await page.waitForURL(`**/tweet/${id}#reply-to-${id}`)
    await page.waitForFunction(() => document.activeElement?.id.startsWith('reply-to-'))
    await page.keyboard.type('It is not on my bench.')
    await page.keyboard.press('Control+Enter')
    await page.waitForSelector('#feed > article:has-text("It is not on my bench.")')
    assert.equal(await count(page, id), '1')
    assert.equal(await field(page).inputValue(), '')
    assert.equal(await page.locator('#feed').getAttribute('role'), 'feed')
    assert.equal(await page.getByText('No replies yet.').isVisible(), false)
    await page.waitForSelector('.toast:text-is("Posted.")')

    const other = await town.browser.newContext()
    const hers = await enter(other, town.url, 'Mara, ferry captain')
    const troubles = watch(hers)
    await hers.goto(`${town.url}/tweet/${id}`)
    const first = hers.locator('#feed > article').first()
    const answered = (await first.getAttribute('data-tweet-id'))!
    await first.locator('.reply').click()
    await hers.waitForURL(`**/tweet/${answered}#reply-to-${answered}`)
    assert.equal(await hers.locator('.above > article').count(), 1)
    await field(hers).fill('It crossed with me at ten past eight.')
    await hers.click('#post-btn')
    await hers.waitForSelector('#feed > article:has-text("ten past eight")')
    assert.deepEqual(troubles, [])
    await other.close()

    // Back: the card of the timeline has the new count.
    await page.goBack({ waitUntil: 'commit' })
    assert.equal(path(page), '/timeline')
    await page.waitForFunction(
      (one) => document.querySelector(`[data-tweet-id="${one}"] .reply`)?.textContent === '1',
      id,
    )
    // The page of a tweet: r without a focused card replies to it; with one, to that card.
    await page.goto(`${town.url}/tweet/${answered}`)
    await page.keyboard.press('k')
    await page.keyboard.press('Escape')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('r')
    await becomes(() => focused(page), `reply-to-${answered}`)
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.waitForSelector('dialog:has-text("Reply")')
  }))

test('in a long thread a new reply is behind "Load more": a link leads to it', () =>
  town.story('Ines, baker', async (page) => {
    await page.fill('#msg', 'Everybody, say something')
    await page.click('#post-btn')
    const mine = page.locator('#feed > article:has-text("Everybody, say something")')
    const id = (await mine.getAttribute('data-tweet-id'))!
    await page.evaluate(async (target) => {
      for (let n = 1; n <= 130; n++)
        await fetch('/tweet', {
          method: 'POST',
          body: new URLSearchParams({ msg: `reply ${n}`, reply_to: target }),
        })
    }, id)
    await page.goto(`${town.url}/tweet/${id}`)
    assert.equal(await page.locator('#feed > article').count(), 20)
    await field(page).fill('And me')
    await page.click('#post-btn')
    await page.waitForFunction(
      (one) => document.querySelector(`[data-tweet-id="${one}"] .reply`)?.textContent === '131',
      id,
    )
    assert.equal(await page.locator('#feed > article:has-text("And me")').count(), 0)
    await page.getByRole('link', { name: 'Your reply is at the end' }).click()
    await page.waitForURL(/through=\d+#tweet-\d+$/)
    assert.ok(await page.locator('#feed > article:has-text("And me")').isVisible())
    assert.equal(await page.locator('#feed > article').count(), 131)
  }))

test('a draft belongs to its thread, and stays when the tweet is deleted meanwhile', () =>
  town.story('Ines, baker', async (page) => {
    await page.goto(`${town.url}/tweet/7`)
    await page.locator('#reply-to-7').pressSequentially('half a thought')
    await page.goto(`${town.url}/tweet/8`)
    assert.equal(await field(page).inputValue(), '')
    await page.goto(`${town.url}/post`)
    assert.equal(await field(page).inputValue(), '')
    await page.goto(`${town.url}/tweet/7`)
    assert.equal(await field(page).inputValue(), 'half a thought')

    await page.goto(`${town.url}/timeline`)
    await page.fill('#msg', 'Not for long')
    await page.click('#post-btn')
    const mine = page.locator('#feed > article:has-text("Not for long")')
    const id = (await mine.getAttribute('data-tweet-id'))!
    const writer = await page.context().newPage()
    await writer.goto(`${town.url}/tweet/${id}`)
    await mine.locator('.delete').click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.waitForSelector(`#tweet-${id}`, { state: 'detached' })
    await field(writer).fill('I was about to say something')
    await writer.click('#post-btn')
    await writer.waitForSelector('#msg-problem:has-text("is gone")')
    assert.equal(await field(writer).inputValue(), 'I was about to say something')
    await writer.click('#post-btn')
    await writer.waitForURL('**/timeline')
    await writer.waitForSelector('#feed > article:has-text("I was about to say something")')
  }))

test('without JavaScript: reply, read on, delete with its question, and what it replied to is gone', () =>
  town.story(
    'Ines, baker',
    async (page) => {
      await page.fill('#msg', 'Plain question')
      await page.click('#post-btn')
      const mine = page.locator('#feed > article:has-text("Plain question")')
      const id = (await mine.getAttribute('data-tweet-id'))!
      await mine.locator('.reply').click()
      await page.waitForURL(`**/tweet/${id}#reply-to-${id}`)
      assert.ok(await field(page).isVisible())
      await field(page).fill('Plain answer')
      await page.click('#post-btn')
      await page.waitForURL(/\/tweet\/\d+\?through=\d+#tweet-\d+$/)
      await page.waitForSelector('#toasts:has-text("Posted.")')
      const answered = page.locator('#feed > article:has-text("Plain answer")')
      assert.ok(await answered.isVisible())
      assert.equal(await count(page, id), '1')
      const reply = (await answered.getAttribute('data-tweet-id'))!

      await page.locator('.one .delete').click()
      await page.waitForSelector('text=The replies to it stay.')
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.waitForURL('**/timeline')
      await page.goto(`${town.url}/tweet/${reply}`)
      await page.waitForSelector('.gone:has-text("This post is gone.")')
      await page.goto(`${town.url}/@ines/replies`)
      await page.waitForSelector(`#tweet-${reply}:has-text("Replying to a post that is gone")`)
      await page.goto(`${town.url}/tweet/${id}`)
      assert.match(
        (await page.locator('.problem, h1').allTextContents()).join(),
        /nothing here|not/i,
      )
    },
    { javaScriptEnabled: false },
  ))

test('axe finds no problem in a thread, light and dark, wide and narrow, for a reader without an account, too', async () => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390])
      await town.story(
        'Ines, baker',
        async (page) => {
          await page.goto(`${town.url}/tweet/9`)
          await field(page).fill('One')
          await page.click('#post-btn')
          await page.waitForSelector('.toast')
          await page.locator('#feed .reply').last().click()
          await page.waitForURL(/\/tweet\/(?!9\b)\d+#reply-to-/)
          await field(page).fill('Two')
          await page.click('#post-btn')
          await page.waitForSelector('#feed > article')
          // While it fades in, its colours are not those that axe may judge.
          await page.waitForSelector('.toast')
          await page.waitForSelector('.toast', { state: 'detached' })
          const thread = page.url()
          const look = async () => {
            const violations = await violationsOf(page)
            assert.deepEqual(
              violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html.slice(0, 160)}`),
              [],
            )
            const wide = await page.evaluate(
              () => document.documentElement.scrollWidth - innerWidth,
            )
            assert.ok(wide <= 0, `${width}: ${wide}`)
          }
          await look()
          if (process.env['SHOTS'])
            await page.screenshot({
              path: `${process.env['SHOTS']}/thread-${colorScheme}-${width}.png`,
            })
          await page.goto(`${town.url}/@ines/replies`)
          await look()
          if (process.env['SHOTS'])
            await page.screenshot({
              path: `${process.env['SHOTS']}/replies-${colorScheme}-${width}.png`,
            })
          await page.context().clearCookies()
          await page.goto(thread)
          await page.getByRole('link', { name: 'Log in to reply' }).waitFor()
          await look()
        },
        { colorScheme, viewport: { width, height: 900 } },
      )
})
