// Behaviour that needs a browser: swaps, focus, history, failures. On the built server with the demo world.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { enter, openTown } from './browser.ts'

const town = openTown()

const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.id || document.activeElement?.closest('article')?.id)
const posts = (page: Page) => {
  const seen: string[] = []
  page.on(
    'request',
    (request) => request.method() === 'POST' && seen.push(new URL(request.url()).pathname),
  )
  return seen
}

test('a like fills the heart at once and keeps the focus; a triple click sends one request', () =>
  town.story('Mara, ferry captain', async (page) => {
    const seen = posts(page)
    const button = page.locator('.btn-favorite:not(.on)').first()
    const id = `${await button.locator('xpath=ancestor::article').getAttribute('id')} .btn-favorite`
    await button.evaluate((element: HTMLElement) => {
      element.focus()
      for (let click = 0; click < 3; click++) element.click()
    })
    await page.waitForSelector(`#${id}[aria-pressed=true]`)
    assert.ok(await page.evaluate((one) => document.activeElement?.matches(one), `#${id}`))
    assert.equal(seen.length, 1)
    await page.click(`#${id}`)
    await page.waitForSelector(`#${id}[aria-pressed=false]`)
  }))

test('a new tweet is on top, the form is empty and focused; an error for a long text is shown in the form', () =>
  town.story('Ines, baker', async (page) => {
    await page.fill('#msg', 'Rolls are out, Admiral is in')
    await page.press('#msg', 'Control+Enter')
    await page.waitForSelector('#feed > article:first-child:has-text("Rolls are out")')
    assert.equal(await page.inputValue('#msg'), '')
    assert.equal(await focused(page), 'msg')
    assert.match((await page.textContent('#toasts'))!, /Posted/)
    const positions = await page.$$eval('#feed > article', (all) =>
      all.map((one) => Number(one.getAttribute('aria-posinset'))),
    )
    assert.deepEqual(
      positions,
      positions.map((_, index) => index + 1),
    )
    await page.fill('#msg', 'x'.repeat(281))
    assert.equal(await page.textContent('#char-counter'), '-1')
    await page.click('#post-btn')
    await page.waitForSelector('#msg-problem')
    assert.equal((await page.inputValue('#msg')).length, 281)
    assert.equal(await focused(page), 'msg')
  }))

test('a deletion asks first; Escape cancels; afterwards the next tweet has the focus', () =>
  town.story('Nell, librarian', async (page) => {
    await page.fill('#msg', 'Somebody re-shelved this')
    await page.click('#post-btn')
    const mine = page.locator('article:has-text("Somebody re-shelved this")')
    await mine.waitFor()
    const next = await page.locator('#feed > article').nth(1).getAttribute('id')
    await mine.locator('.delete').click()
    await page.waitForSelector('dialog[open]')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog', { state: 'detached' })
    assert.equal(await mine.count(), 1)
    await mine.locator('.delete').click()
    await page.click('dialog .danger')
    await mine.waitFor({ state: 'detached' })
    assert.equal(await focused(page), next)
  }))

test('following changes the button and the count of the profile', () =>
  town.story('The Bench', async (page) => {
    await page.goto(`${town.url}/@hamish`)
    const count = page.locator('.facts [id^=followers-of]')
    const before = Number.parseInt((await count.textContent())!, 10)
    const button = page.locator('.profile .follow button')
    const pressed = (await button.getAttribute('aria-pressed')) === 'true'
    await button.click()
    await page.waitForSelector(`.profile .follow button[aria-pressed=${!pressed}]`)
    assert.equal(Number.parseInt((await count.textContent())!, 10), before + (pressed ? -1 : 1))
  }))

test('search as you type sends one request for a word', () =>
  town.story('Mara, ferry captain', async (page) => {
    await page.goto(`${town.url}/search`)
    const asked: string[] = []
    page.on('request', (request) => request.url().includes('/search?') && asked.push(request.url()))
    // All keys in one turn of the page: on a busy machine, real ones come with pauses between them.
    await page.focus('#q')
    await page.evaluate(() => {
      for (const key of 'goose') document.execCommand('insertText', false, key)
    })
    await page.waitForSelector('#results article')
    assert.equal(asked.length, 1)
    assert.match(page.url(), /\/search\?q=goose/)
    assert.equal(await focused(page), 'q')
  }))

test('scrolling loads five more slices; Back and reload return to the same tweet', () =>
  town.story('Nell, librarian', async (page) => {
    for (let slice = 1; slice <= 5; slice++) {
      const before = await page.locator('#feed > article').count()
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
      await page.waitForFunction(
        (count) => document.querySelectorAll('#feed > article').length > count,
        before,
      )
    }
    const ids = await page.$$eval('#feed > article', (all) => all.map((one) => one.id))
    assert.equal(new Set(ids).size, ids.length)
    const positions = await page.$$eval('#feed > article', (all) =>
      all.map((one) => Number(one.getAttribute('aria-posinset'))),
    )
    assert.ok(positions.every((position, index) => index === 0 || position > positions[index - 1]!))
    const middle = () =>
      page.evaluate(
        () => document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('article')?.id,
      )
    await page.locator('#feed > article').nth(70).scrollIntoViewIfNeeded()
    const where = await middle()
    await page.locator(`#${where} .timestamp`).click()
    await page.waitForURL('**/tweet/*')
    await page.evaluate(() => history.back())
    await page.waitForFunction(
      (id) =>
        document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('article')?.id === id,
      where,
    )
    const count = await page.locator('#feed > article').count()
    assert.match(page.url(), /through=\d+/)
    await page.reload()
    assert.equal(await page.locator('#feed > article').count(), count)
    assert.ok(await page.locator(`#${where}`).count())
  }))

test('offline, and with a failing server: a message appears, the heart is reset, and afterwards it works again', () =>
  town.story('Ines, baker', async (page) => {
    const button = page.locator('.btn-favorite:not(.on)').first()
    const id = `${await button.locator('xpath=ancestor::article').getAttribute('id')} .btn-favorite`
    await page.context().setOffline(true)
    await page.click(`#${id}`)
    await page.waitForSelector('.toast:has-text("offline")')
    assert.equal(await page.getAttribute(`#${id}`, 'aria-pressed'), 'false')
    await page.context().setOffline(false)
    await page.route('**/favorite/*', (route) =>
      route.fulfill({
        status: 500,
        contentType: 'text/html',
        headers: { 'X-Trace-Id': 'abc' },
        body: '<p class="problem">Something went wrong on our side.</p>',
      }),
    )
    await page.click(`#${id}`)
    await page.waitForSelector('.toast:has-text("Error id abc")')
    assert.equal(await page.getAttribute(`#${id}`, 'aria-pressed'), 'false')
    await page.unroute('**/favorite/*')
    await page.click(`#${id}`)
    await page.waitForSelector(`#${id}[aria-pressed=true]`)
  }))

test('keys: first the skip link; j and k move, l likes, ? lists the keys; none of them in a field', () =>
  town.story('The Bench', async (page) => {
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    const first = await page.locator('#feed > article').first().getAttribute('id')
    assert.equal(await focused(page), first)
    const pressed = await page.getAttribute(`#${first} .btn-favorite`, 'aria-pressed')
    await page.keyboard.press('l')
    await page.waitForSelector(`#${first} .btn-favorite[aria-pressed=${pressed !== 'true'}]`)
    await page.keyboard.press('?')
    await page.waitForSelector('dialog[open] kbd')
    await page.keyboard.press('Escape')
    await page.fill('#msg', '')
    await page.type('#msg', 'jl?')
    assert.equal(await page.inputValue('#msg'), 'jl?')
  }))

test('the chip shows the trace of the page and, while open, its later requests; it does not move the page', () =>
  town.story('Ines, baker', async (page) => {
    const hearts = page.locator('.btn-favorite')
    const where = () => page.locator('#feed > article').nth(3).boundingBox()
    const before = await where()
    await hearts.nth(2).click()
    await page.waitForFunction(() => document.querySelector('#chip-more')?.textContent === '+1')
    await page.keyboard.press('w')
    await page.waitForSelector('#chip-panel .waterfall')
    assert.match(
      (await page.textContent('#chip-panel'))!,
      /GET \/timeline[\s\S]*SELECT notifications follows hidden sessions users[\s\S]*POST \/(un)?favorite\/:id/,
    )
    assert.deepEqual(await where(), before)
    await hearts.nth(1).click()
    await page.waitForSelector('#chip-panel .since li:nth-child(2)')
    await page.route('**/*favorite/*', (route) =>
      route.fulfill({ status: 500, contentType: 'text/html', headers: { 'X-Trace-Id': 'abc' } }),
    )
    await hearts.nth(0).click()
    await page.waitForSelector('#chip.failed #chip-more:has-text("+3, 1 failed")')
    await page.keyboard.press('Escape')
    assert.equal(await page.getAttribute('#chip', 'open'), null)
    assert.equal(await page.evaluate(() => document.activeElement?.localName), 'summary')
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.isVisible('#chip'), false)
  }))

test('a hidden tab closes its live tail; shown again, it has the rows of the meantime and follows again', () =>
  town.story('Nell, librarian', async (page) => {
    await page.addInitScript(
      'window.tails = []; window.EventSource = class extends EventSource { constructor(url) { super(url); tails.push(this) } }',
    )
    await page.goto(`${town.url}/traces`)
    await page.click('#follow')
    await page.waitForSelector('text=Following live')
    const turn = (hidden: boolean) =>
      page.evaluate((now) => {
        Object.defineProperty(document, 'hidden', { value: now, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    const open = () => page.evaluate('tails.filter(({ readyState }) => readyState < 2).length')
    await turn(true)
    assert.equal(await open(), 0)
    await fetch(`${town.url}/@nell`)
    await turn(false)
    await page.waitForSelector('#rows tr:first-child:has-text("GET /:handle")')
    await page.waitForSelector('text=Following live')
    assert.equal(await open(), 1)
    await fetch(`${town.url}/rules`)
    await page.waitForSelector('#rows tr:first-child:has-text("GET /rules")')
    assert.equal(new URL(page.url()).pathname, '/traces')
  }))

test('/traces lists a like and its page, filters in place, follows live and pauses; keys move through it', () =>
  town.story('Nell, librarian', async (page) => {
    await page.locator('.btn-favorite').nth(2).click()
    await page.waitForFunction(() => document.querySelector('#chip-more')?.textContent === '+1')
    await page.goto(`${town.url}/traces`)
    const rows = page.locator('#rows tr')
    // Check the status cell: the time in a row may end in 200 or 404.
    const answered = (status: number) => `.status:text-is("${status}")`
    assert.match((await page.textContent('#rows'))!, /favorite\/:id[\s\S]*GET \/timeline/)
    await page.click('#follow')
    await page.waitForSelector('text=Following live')
    await fetch(`${town.url}/@mara`)
    await page.waitForSelector('#rows tr:first-child:has-text("GET /:handle")')
    // A changed filter replaces the list, and the live tail starts again with it.
    await page.selectOption('[name=status]', '4xx')
    await page.waitForURL(/status=4xx/)
    await page.waitForSelector('text=Following live')
    await fetch(`${town.url}/@mara`)
    await fetch(`${town.url}/nowhere`)
    await page.waitForSelector(`#rows tr:first-child ${answered(404)}`)
    assert.equal(await page.locator(`#rows ${answered(200)}`).count(), 0)
    await page.click('#follow')
    await page.waitForSelector('text=Paused')
    const shown = await rows.count()
    await fetch(`${town.url}/nowhere`)
    await page.goBack()
    await page.waitForSelector(`#rows ${answered(200)}`)
    await page.goForward()
    await page.waitForFunction(
      () => document.querySelector<HTMLSelectElement>('[name=status]')?.value === '4xx',
    )
    assert.equal(await rows.count(), shown + 1, 'the address holds the filter')
    await page.locator('h1').click()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.waterfall:has-text("GET")')
    const line = page.locator('.waterfall details').first()
    await line.locator('summary').click()
    assert.match(
      (await line.textContent())!,
      /Itself [\d.]+ ms of [\s\S]*http.response.status_code404/,
    )
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.click('text=Copy traceparent')
    await page.waitForSelector('.toast:has-text("Copied.")')
    assert.match(
      await page.evaluate(() => navigator.clipboard.readText()),
      /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/,
    )
  }))

test('at 320 px nothing scrolls sideways, and with reduced motion nothing moves', async () => {
  const context = await town.browser.newContext({
    viewport: { width: 320, height: 640 },
    reducedMotion: 'reduce',
  })
  const page = await enter(context, town.url)
  const trace = (await page.getAttribute('meta[name=traceparent]', 'content'))!.slice(3, 35)
  // Send enough requests for numbers of three digits.
  await Promise.all(Array.from({ length: 200 }, () => fetch(`${town.url}/login`)))
  for (const path of [
    '/',
    '/timeline',
    '/@mara',
    '/account',
    '/login',
    '/search?q=goose',
    '/traces',
    '/routes',
    '/logs',
    '/routes?by=query',
    '/traces/guide',
    `/traces/${trace}`,
  ]) {
    await page.goto(town.url + path)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(wide <= 0, `${path} is ${wide} px too wide`)
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
  }
  await context.close()
})
