// Each tweet is posted once: Back, double clicks, lost answers; with and without JavaScript and back/forward cache.
import assert from 'node:assert/strict'
import { after as atEnd, before as atStart, test } from 'node:test'

import type { Browser, Page } from 'playwright-core'

import { register, scratch, startServer, type Server } from '../process.ts'
import { launch, loaded, watch } from './browser.ts'

const place = scratch()
const browsers = new Map<boolean, Browser>()
let server: Server

atStart(async () => {
  for (const cached of [true, false])
    browsers.set(cached, await launch({ backForwardCache: cached }))
  server = await startServer({
    DATABASE_URL: `file:${place.folder}/posting.db`,
    LOG_LEVEL: 'silent',
  })
})
atEnd(async () => {
  for (const browser of browsers.values()) await browser.close()
  await server.stop()
  place[Symbol.dispose]()
})

type Kind = { cached: boolean; javaScriptEnabled: boolean }
const kinds: Kind[] = [true, false].flatMap((cached) =>
  [true, false].map((javaScriptEnabled) => ({ cached, javaScriptEnabled })),
)
const nameOf = ({ cached, javaScriptEnabled }: Kind) =>
  `back/forward cache ${cached ? 'on' : 'off'}, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`

let people = 0

/** Runs a test as a new user; an error on the page fails the test. */
async function asNewUser(kind: Kind, act: (page: Page) => Promise<void>): Promise<void> {
  const { cached, javaScriptEnabled } = kind
  const context = await browsers.get(cached)!.newContext({ javaScriptEnabled })
  const [name, value] = (await register(server.url, `poster${++people}`)).split('=')
  await context.addCookies([{ name: name!, value: value!, url: server.url }])
  const page = await context.newPage()
  const troubles = watch(page)
  await act(page)
  assert.deepEqual(troubles, [])
  await context.close()
}

const open = (page: Page, path: string) => page.goto(`${server.url}${path}`)

/** Posts a text and waits for the message of the page. */
async function post(page: Page, msg: string | undefined, says: string): Promise<void> {
  if (msg !== undefined) await page.fill('#msg', msg)
  await page.evaluate(() => document.querySelectorAll('.toast').forEach((line) => line.remove()))
  await page.click('#post-btn')
  await page.waitForSelector(`.toast:text-is("${says}")`)
  // Where it is another page, the rest of it comes after the message.
  await loaded(page)
}

/** Goes back; asserts that the page comes from the back/forward cache, or not, as this kind of browser does it. */
async function back(page: Page, path: string, { cached }: Kind): Promise<void> {
  await page.goBack({ waitUntil: cached ? 'commit' : 'load' }) // the cache loads nothing
  assert.equal(page.url(), `${server.url}${path}`)
  const kept = await page.evaluate(() => 'marked' in globalThis)
  assert.equal(kept, cached, 'the back/forward cache works as this asNewUser assumes')
}

/** Marks the document object: the mark survives only in the back/forward cache. */
const mark = (page: Page) => page.evaluate(() => void Object.assign(globalThis, { marked: true }))

/** The texts of the tweets in the timeline, read from the server. */
async function timeline(page: Page): Promise<string[]> {
  await open(page, '/timeline')
  return page.locator('#feed .msg').allTextContents()
}

for (const kind of kinds) {
  test(`${nameOf(kind)}: after Back, another text is another tweet and the same text is not`, () =>
    asNewUser(kind, async (page) => {
      await open(page, '/post')
      await mark(page)
      await post(page, 'First words', 'Posted.')
      await back(page, '/post', kind)
      await post(page, 'Second words', 'Posted.')
      await back(page, '/post', kind)
      await post(page, 'Second words ', 'Already posted.')
      await back(page, '/post', kind)
      await post(page, 'First words', 'Already posted.')
      assert.deepEqual(await timeline(page), ['Second words', 'First words'])
    }))

  test(`${nameOf(kind)}: Back shows the old text again; Post says that it is posted already`, () =>
    asNewUser(kind, async (page) => {
      await open(page, '/post')
      await mark(page)
      await post(page, 'Words that the browser keeps', 'Posted.')
      await back(page, '/post', kind)
      assert.equal(await page.inputValue('#msg'), 'Words that the browser keeps')
      await post(page, undefined, 'Already posted.')
      assert.deepEqual(await timeline(page), ['Words that the browser keeps'])
    }))

  test(`${nameOf(kind)}: a post on the timeline, a visit to the tweet, Back, another post`, () =>
    asNewUser(kind, async (page) => {
      await open(page, '/timeline')
      await post(page, 'Seen from the pier', 'Posted.')
      await mark(page)
      await page.click('#feed .timestamp')
      await page.waitForURL('**/tweet/*')
      await back(page, '/timeline', kind)
      await post(page, 'Seen from the mast', 'Posted.')
      const shown = await page.locator('#feed .msg').allTextContents()
      assert.equal(shown[0], 'Seen from the mast')
      assert.deepEqual(await timeline(page), ['Seen from the mast', 'Seen from the pier'])
    }))

  test(`${nameOf(kind)}: a double click is one tweet`, () =>
    asNewUser(kind, async (page) => {
      for (const path of ['/timeline', '/post']) {
        await open(page, path)
        await page.fill('#msg', `Twice on ${path}`)
        await page.dblclick('#post-btn')
        await page.waitForSelector('.toast')
      }
      assert.deepEqual(await timeline(page), ['Twice on /post', 'Twice on /timeline'])
    }))
}

test('a lost answer: Post again says that it is posted already, and shows the card once', () =>
  asNewUser({ cached: true, javaScriptEnabled: true }, async (page) => {
    await open(page, '/timeline')
    await page.route('**/tweet', async (route) => {
      await route.fetch()
      await route.abort('internetdisconnected')
    })
    await page.fill('#msg', 'Said into the wind')
    await page.click('#post-btn')
    await page.waitForSelector('.toast:has-text("cannot be reached")')
    assert.equal(await page.inputValue('#msg'), 'Said into the wind')
    await page.unroute('**/tweet')
    await post(page, undefined, 'Already posted.')
    assert.deepEqual(await page.locator('#feed .msg').allTextContents(), ['Said into the wind'])
    assert.equal(await page.inputValue('#msg'), '')
    await post(page, 'Said again, on purpose', 'Posted.')
    assert.equal(await page.locator('#feed > article').count(), 2)
  }))

test('a repeat of a tweet in the feed does not change the feed', () =>
  asNewUser({ cached: true, javaScriptEnabled: true }, async (page) => {
    await open(page, '/timeline')
    const key = await page.inputValue('[name=key]')
    await post(page, 'The older one', 'Posted.')
    await post(page, 'The newer one', 'Posted.')
    await page.$eval(
      '[name=key]',
      (field, value) => ((field as HTMLInputElement).value = value),
      key,
    )
    await post(page, 'The older one', 'Already posted.')
    assert.deepEqual(await page.locator('#feed .msg').allTextContents(), [
      'The newer one',
      'The older one',
    ])
    assert.equal(await page.inputValue('#msg'), '')
    assert.notEqual(await page.inputValue('[name=key]'), key)
  }))

test('two windows with the same form, posted at the same time: one tweet', () =>
  asNewUser({ cached: true, javaScriptEnabled: true }, async (page) => {
    await open(page, '/timeline')
    const body = { msg: 'From both windows', key: await page.inputValue('[name=key]') }
    const answers = await page.evaluate(
      (fields) =>
        Promise.all(
          ['/tweet', '/post', '/tweet', '/post'].map((path) =>
            fetch(path, { method: 'POST', body: new URLSearchParams(fields) }).then(
              ({ status }) => status,
            ),
          ),
        ),
      body,
    )
    assert.deepEqual(answers, [200, 200, 200, 200])
    assert.deepEqual(await timeline(page), ['From both windows'])
  }))
