// Two people at two browsers: one posts, the other's timeline says so without moving, and shows it at a click.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import type { Page } from 'playwright-core'

import { violationsOf } from './axe.ts'
import { enter, openTown, watch } from './browser.ts'

const town = openTown()
const bar = '#new-posts a:visible'

/** Mara, at another browser; the one who looks follows her. */
async function mara() {
  const context = await town.browser.newContext()
  const page = await enter(context, town.url, 'Mara, ferry captain')
  const troubles = watch(page)
  const write = async (words: string) => {
    await page.fill('#msg', words)
    await page.click('#post-btn')
    await page.locator(`#feed > article:has-text("${words}")`).first().waitFor()
  }
  const leave = async () => {
    assert.deepEqual(troubles, [])
    await context.close()
  }
  return { page, write, leave }
}

/** Goes to the timeline of somebody who follows Mara, and waits for the stream. */
async function look(page: Page): Promise<void> {
  await page.request.post(`${town.url}/follow/1`)
  const open = page.waitForResponse('**/timeline/live?*')
  await page.goto(`${town.url}/timeline`)
  assert.equal((await open).status(), 200)
}

/** Where each card of the list is. */
const places = (page: Page) =>
  page
    .locator('#feed > article')
    .evaluateAll((all) => all.map((one) => [one.id, one.getBoundingClientRect().top]))

/** What axe finds in light and dark, wide and narrow. */
async function findings(page: Page): Promise<string[]> {
  const found: string[] = []
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [390, 1280]) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      const violations = await violationsOf(page)
      for (const { id, nodes } of violations)
        found.push(`${colorScheme} ${width}: ${id} ${nodes[0]?.html}`)
    }
  return found
}

const hide = (page: Page, hidden: boolean) =>
  page.evaluate((is) => {
    Object.defineProperty(document, 'hidden', { value: is, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)

test('A posts, B is told without anything moving, B clicks, and the post is there with the focus on it', () =>
  town.story('Ines, baker', async (page) => {
    const her = await mara()
    await look(page)
    await page.fill('#msg', 'Half a thought')
    const plain = await findings(page)
    const before = await places(page)
    await her.write('The ferry leaves at nine')
    await page.waitForSelector(bar)
    assert.equal(await page.textContent(bar), '1 new post')
    assert.equal(await page.getByRole('status').first().textContent(), '1 new post')
    assert.deepEqual(await places(page), before, 'nothing moved')
    assert.equal(await page.inputValue('#msg'), 'Half a thought')
    assert.deepEqual(await findings(page), plain, 'the bar adds none')
    await page.setViewportSize({ width: 1280, height: 900 })
    // One's own post stands on top; what came before it is put below it.
    await page.fill('#msg', 'Ines was second')
    await page.click('#post-btn')
    await page.waitForSelector('#feed > article:has-text("Ines was second")')
    await her.write('The ferry is full')
    await page.waitForSelector('#new-posts a:has-text("2 new posts")')
    assert.equal(
      await page.getByRole('status').first().textContent(),
      '1 new post',
      'read out once',
    )
    const again = page.waitForResponse('**/timeline/live?*')
    await page.focus(bar)
    await page.keyboard.press('Enter')
    await page.waitForSelector('#feed > article:has-text("The ferry is full")')
    await again
    const texts = await page.locator('#feed > article .msg').allTextContents()
    assert.deepEqual(texts.slice(0, 3), [
      'The ferry is full',
      'Ines was second',
      'The ferry leaves at nine',
    ])
    assert.equal(texts.filter((text) => text === 'Ines was second').length, 1)
    assert.equal(await page.locator(bar).count(), 0)
    const focused = page.locator('#feed > article:focus')
    assert.equal(await focused.locator('.msg').textContent(), 'The ferry is full')
    assert.equal(await focused.getAttribute('aria-posinset'), '1')
    assert.equal(await page.locator('#feed > article').nth(3).getAttribute('aria-posinset'), '4')
    // It goes on from there.
    await her.write('The ferry is late')
    await page.waitForSelector('#new-posts a:has-text("1 new post")')
    await her.leave()
  }))

test('far down the list the bar is in sight, and nothing moves there, either', () =>
  town.story('Ines, baker', async (page) => {
    const her = await mara()
    await look(page)
    await page.evaluate(() => scrollTo(0, 2500))
    await page.waitForFunction(() => scrollY > 2000)
    const card = page.locator('#feed > article').nth(12)
    const top = await card.evaluate((one) => one.getBoundingClientRect().top)
    await her.write('Waves')
    await page.waitForSelector(bar)
    assert.equal(await card.evaluate((one) => one.getBoundingClientRect().top), top)
    const box = (await page.locator(bar).boundingBox())!
    assert.ok(box.y >= 0 && box.y < 200, `the bar is at ${box.y}`)
    await page.click(bar)
    await page.waitForSelector('#feed > article:focus:has-text("Waves")')
    await her.leave()
  }))

test('a hidden tab has no stream; shown again, it knows what was posted meanwhile; so does Back', () =>
  town.story('Ines, baker', async (page) => {
    const her = await mara()
    await look(page)
    const streams = () =>
      page.evaluate(
        () =>
          performance
            .getEntriesByType('resource')
            .filter(({ name }) => name.includes('/timeline/live')).length,
      )
    const ended = await streams()
    await hide(page, true)
    await page.waitForFunction(
      (n) =>
        performance
          .getEntriesByType('resource')
          .filter(({ name }) => name.includes('/timeline/live')).length > n,
      ended,
    )
    await her.write('While you were away')
    const opened = page.waitForResponse('**/timeline/live?*')
    await hide(page, false)
    await opened
    await page.waitForSelector('#new-posts a:has-text("1 new post")')
    await page.click(`#feed > article .username`)
    await page.waitForURL('**/@*')
    await her.write('And once more')
    await page.goBack({ waitUntil: 'commit' })
    await page.waitForFunction(
      () =>
        /^\d+ new/.test(document.querySelector('#new-posts a:not([hidden])')?.textContent ?? '') ||
        document.querySelector('#feed > article')?.textContent.includes('And once more'),
    )
    await her.leave()
  }))

test('without JavaScript the timeline is as before', () =>
  town.story(
    'Ines, baker',
    async (page) => {
      await page.goto(`${town.url}/timeline`)
      assert.equal(await page.locator('#new-posts a:visible').count(), 0)
      assert.ok((await page.locator('#feed > article').count()) > 10)
    },
    { javaScriptEnabled: false },
  ))

type Watched = { attempts: number[]; failures: number }
const watchesStreams = `window.attempts ??= (EventSource = class extends EventSource {
  constructor(url) {
    super(url)
    window.attempts.push(Date.now())
    this.addEventListener('error', () => window.failures++)
  }
}) && ((window.failures = 0), [])`

/** Streams that never open, with a clock of our own: the times at which the page asks for one. */
async function attempts(page: Page, answers: { status: number; body?: string }[], ms: number) {
  await page.clock.install({ time: 0 })
  let asked = 0
  await page.route('**/timeline/live?*', async (route) => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!
    await route.fulfill({ ...answer, contentType: 'text/event-stream' })
  })
  await page.addInitScript({ content: watchesStreams })
  await page.goto(`${town.url}/timeline`)
  for (let passed = 0; passed < ms; passed += 1000) {
    await page.clock.runFor(1000)
    // The answers come in real time: while the page has not seen one, the clock stands still.
    const waiting = () =>
      page.evaluate(() => {
        const watched = window as unknown as Watched
        return watched.failures < watched.attempts.length
      })
    for (let tries = 0; tries < 500 && (await waiting()); tries++) await pause(10)
  }
  return page.evaluate(() => (window as unknown as Watched).attempts)
}

test('after a refusal the page asks again after 30 to 90 s; after a lost stream when the server said', () =>
  town.story('Ines, baker', async (page) => {
    const refused = await attempts(page, [{ status: 503 }], 91_000)
    assert.ok(refused.length >= 2 && refused.length <= 4, String(refused))
    assert.ok(refused[1]! >= 30_000 && refused[1]! <= 91_000, String(refused))
    await page.unroute('**/timeline/live?*')
    const lost = await attempts(
      page,
      [{ status: 200, body: 'event: wait\ndata: 5000\n\n' }, { status: 503 }],
      20_000,
    )
    assert.equal(lost.length, 2, String(lost))
  }))
