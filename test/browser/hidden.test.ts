// Mute, block, report and suspend: two people at two browsers, with and without JavaScript.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { enter, loaded, openTown, watch } from './browser.ts'

// Ines is user 3 of the demo world.
const town = openTown({ OPERATORS: 'user0003@example.com' })

const menu = (page: Page) => page.locator('.person-menu > summary')
const choose = async (page: Page, verb: string) => {
  await menu(page).click()
  await page.locator('.person-menu').getByRole('button', { name: verb, exact: true }).click()
  await page.waitForSelector('.toast')
  // Without JavaScript it is another page, the rest of which comes after the message.
  await loaded(page)
}
const handleOf = async (page: Page) =>
  (await page.locator('.side .who').first().getAttribute('href'))!.slice(2)

async function write(page: Page, words: string): Promise<string> {
  await page.goto(`${town.url}/post`)
  await page.fill('#msg', words)
  await page.click('#post-btn')
  await page.waitForURL('**/timeline')
  const card = page.locator(`#feed > article:has-text("${words}")`).first()
  return (await card.getAttribute('data-tweet-id'))!
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without'
  test(`${how} JavaScript: mute, "Hidden, show" in a thread, block, 403 in words with the draft kept, undone in /account`, () =>
    town.story(
      'Ines, baker',
      async (page) => {
        const context = await town.browser.newContext({ javaScriptEnabled })
        const hers = await enter(context, town.url, 'Mara, ferry captain')
        const troubles = watch(hers)
        const mara = await handleOf(hers)
        const words = `The ferry ${how} a goose`
        const id = await write(page, `Who saw it ${how}?`)
        await write(hers, words)
        await hers.goto(`${town.url}/tweet/${id}`)
        await hers.fill(`#reply-to-${id}`, `Me, ${how} my own eyes`)
        await hers.getByRole('button', { name: 'Reply', exact: true }).click()
        await hers.locator(`article:has-text("Me, ${how} my own eyes")`).first().waitFor()

        await page.goto(`${town.url}/@${mara}`)
        await choose(page, 'Mute')
        assert.match((await page.locator('.profile').textContent())!, /You have muted Mara/)
        if (javaScriptEnabled) {
          const focused = () => page.evaluate(() => document.activeElement?.localName)
          await page.waitForFunction(() => document.activeElement?.localName === 'summary')
          assert.equal(await focused(), 'summary', 'the keyboard goes on where it was')
        }
        await page.goto(`${town.url}/everybody`)
        assert.equal(await page.locator(`article:has-text("${words}")`).count(), 0)
        await page.goto(`${town.url}/tweet/${id}`)
        const hidden = page.locator('#feed > .hidden-post')
        const content = hidden.locator('.msg')
        assert.equal(await content.isVisible(), false)
        await hidden.locator('summary').click()
        await content.waitFor()
        assert.equal(page.url(), `${town.url}/tweet/${id}`, 'it opens in place')

        await page.goto(`${town.url}/@${mara}`)
        await choose(page, 'Block')
        assert.match((await page.locator('.profile').textContent())!, /You have blocked Mara/)
        // Mara's page is from before: her answer is refused, and stays hers.
        const draft = `One more ${how}`
        await hers.goto(`${town.url}/tweet/${id}`)
        await hers.fill(`#reply-to-${id}`, draft)
        await hers.getByRole('button', { name: 'Reply', exact: true }).click()
        const refused = hers
          .locator('.toast, .problem')
          .filter({ hasText: 'has blocked the other' })
        await refused.first().waitFor()
        assert.equal(await hers.locator('#composer textarea').inputValue(), draft)

        await page.goto(`${town.url}/account`)
        for (const verb of ['Unblock', 'Unmute']) {
          await page.locator('#hidden').getByRole('button', { name: verb }).click()
          await page.waitForSelector(`.toast:has-text("is not ${verb.slice(2).toLowerCase()}")`)
        }
        await page.locator('#hidden:has-text("Nobody.")').waitFor()
        await page.goto(`${town.url}/everybody`)
        assert.equal(await page.locator(`article:has-text("${words}")`).count(), 1)
        assert.deepEqual(troubles, [])
        await context.close()
      },
      { javaScriptEnabled },
    ))

  test(`${how} JavaScript: a report, which an operator reads, and what she does about it`, () =>
    town.story(
      'Ines, baker',
      async (page) => {
        const context = await town.browser.newContext({ javaScriptEnabled })
        const hers = await enter(context, town.url, 'Mara, ferry captain')
        const troubles = watch(hers)
        const number = javaScriptEnabled ? 11 : 12
        await hers.goto(`${town.url}/tweet/${number}`)
        await hers.locator('.report summary').click()
        await hers.fill('#reason', `Too long ${how}`.padEnd(501, '.'))
        await hers.getByRole('button', { name: 'Report', exact: true }).click()
        await hers.locator('#reason-problem').waitFor()
        assert.match(await hers.inputValue('#reason'), /^Too long/)
        await hers.fill('#reason', `It is rude ${how}`)
        await hers.getByRole('button', { name: 'Report', exact: true }).click()
        await hers.waitForSelector('.toast:has-text("Reported.")')

        await page.goto(`${town.url}/account`)
        await page.getByRole('link', { name: 'Read reports' }).click()
        const entry = page.locator(`#feed > article:has-text("It is rude ${how}")`)
        const author = (await entry.locator('.username').getAttribute('href'))!
        await entry.getByRole('button', { name: 'Suspend author' }).click()
        await page.waitForSelector('.toast:has-text("is suspended.")')
        await hers.goto(`${town.url}${author}`)
        assert.match((await hers.locator('.profile').textContent())!, /This account is suspended\./)
        await page.goto(`${town.url}${author}`)
        await choose(page, 'Unsuspend')
        await page.goto(`${town.url}/reports`)
        await entry.getByRole('button', { name: 'Dismiss' }).click()
        await page.waitForSelector('.toast:has-text("Dismissed.")')
        assert.equal(await entry.count(), 0)
        assert.deepEqual(troubles, [])
        await context.close()
      },
      { javaScriptEnabled },
    ))
}

test('axe finds no problem with the menu, a hidden post, the list in /account and reports', async () => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390, 320])
      await town.story(
        'Ines, baker',
        async (page) => {
          const check = async (what: string) => {
            const violations = await violationsOf(page)
            assert.deepEqual(
              violations.map(({ id, nodes }) => `${what} ${id} ${nodes[0]?.html}`),
              [],
            )
            const wide = await page.evaluate(
              () => document.documentElement.scrollWidth > innerWidth,
            )
            assert.equal(wide, false, `${what} is too wide`)
          }
          const post = async (path: string, body = '') =>
            page.evaluate(
              ([to, sent]) =>
                fetch(to!, {
                  method: 'POST',
                  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
                  body: sent!,
                }).then(({ status }) => status),
              [path, body],
            )
          // A thread of the demo world with an answer by somebody else.
          await page.goto(`${town.url}/everybody`)
          const [reply, author] = await page.evaluate(async () => {
            for (let id = 2500; id > 0; id--) {
              const text = await (await fetch(`/tweet/${id}`)).text()
              const at = /<div id="feed"[\s\S]*?<article class="tweet"[^>]*>/.exec(text)
              const face = at && /data-follow|href="\/@(\w+)"/.exec(text.slice(at.index))
              if (!face?.[1] || face[1] === 'ines') continue
              const profile = await (await fetch(`/@${face[1]}`)).text()
              return [id, /data-user-id="(\d+)"/.exec(profile)![1]!] as const
            }
            throw new Error('no thread')
          })
          await post(`/block/${author}`)
          await post('/report/9', 'reason=It+is+rude')
          await page.goto(`${town.url}/tweet/${reply}`)
          await page.locator('.hidden-post').first().waitFor()
          await check('a hidden post')
          await page.locator('.hidden-post summary').first().click()
          await page
            .locator('.report summary')
            .first()
            .click()
            .catch(() => undefined)
          await check('a shown post')
          await page.goto(`${town.url}/account`)
          await check('the account')
          await page.goto(`${town.url}/user/${author}`)
          await menu(page).click()
          await check('the menu')
          await page.goto(`${town.url}/reports`)
          await check('the reports')
          await post(`/unblock/${author}`)
        },
        { colorScheme, viewport: { width, height: 800 } },
      )
})
