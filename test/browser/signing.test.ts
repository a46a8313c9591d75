// Sign-out, and sessions that end while somebody writes: what Back shows, and where the text is kept. With JavaScript
// and without it, with the back/forward cache and without it.
import assert from 'node:assert/strict'
import { after as atEnd, before as atStart, test } from 'node:test'

import type { Browser, BrowserContext, Page } from 'playwright-core'

import { post, register, scratch, startServer, type Server } from '../process.ts'
import { back, forgets } from './back.ts'
import { becomes, launch, loaded, watch } from './browser.ts'

const place = scratch()
const browsers: Browser[] = []
let server: Server

atStart(async () => {
  browsers.push(await launch(), await launch({ backForwardCache: false }))
  server = await startServer({
    DATABASE_URL: `file:${place.folder}/signing.db`,
    LOG_LEVEL: 'silent',
  })
})
atEnd(async () => {
  for (const browser of browsers) await browser.close()
  await server.stop()
  place[Symbol.dispose]()
})

type Person = { name: string; mailaddress: string; password: string }

let people = 0
/** Registers a user with HTTP, outside of the browser. */
async function person(): Promise<Person> {
  const name = `Somebody${++people}`
  await register(server.url, name)
  return { name, mailaddress: `${name}@example.org`, password: 'password123' }
}

const enter = async (page: Page, { mailaddress, password }: Person) => {
  await page.fill('#mailaddress', mailaddress)
  await page.fill('#password', password)
  await page.click('#login-form button')
}

/** Ends all sessions of a user, outside of the browser. */
async function endSessions({ mailaddress, password }: Person): Promise<void> {
  const answer = await post(`${server.url}/login`, { mailaddress, password })
  const cookie = answer!.headers.getSetCookie()[0]!.split(';')[0]!
  assert.equal((await post(`${server.url}/account/sessions`, {}, cookie))?.status, 200)
}

type Kind = { scripts: boolean; cache: boolean }
const kinds: Kind[] = [true, false].flatMap((scripts) =>
  [true, false].map((cache) => ({ scripts, cache })),
)

const withScripts = kinds.filter(({ scripts }) => scripts)
/** The kinds of browser for tests that do not go back. */
const withCache = kinds.filter(({ cache }) => cache)

/** Defines a test for each kind of browser, with a signed-in user on the timeline. */
function testInBrowsers(
  title: string,
  act: (page: Page, me: Person, kind: Kind & { context: BrowserContext }) => Promise<void>,
  which: Kind[] = kinds,
): void {
  for (const kind of which) {
    const [scripts, cache] = [kind.scripts ? 'with' : 'without', kind.cache ? 'with' : 'without']
    test(`${title}; ${scripts} JavaScript, ${cache} the back/forward cache`, async () => {
      const browser = browsers[kind.cache ? 0 : 1]!
      const context = await browser.newContext({ javaScriptEnabled: kind.scripts })
      const me = await person()
      const page = await context.newPage()
      const troubles = watch(page)
      await page.goto(`${server.url}/login`)
      await enter(page, me)
      await page.waitForURL('**/timeline')
      await act(page, me, { ...kind, context })
      assert.deepEqual(troubles, [])
      await context.close()
    })
  }
}

const onlyMine = ({ name, mailaddress }: Person) => new RegExp(`${name}|${mailaddress}`, 'i')
const logOut = (page: Page) => page.click('.rail form[action="/logout"] button')

for (const path of ['/account', '/timeline']) {
  testInBrowsers(`${path}, Logout, Back: nothing of the previous user`, async (page, me) => {
    await page.goto(server.url + path)
    await logOut(page)
    await page.waitForURL(`${server.url}/`)
    assert.doesNotMatch(await back(page), onlyMine(me))
    assert.equal(await page.isVisible('#login-form'), true, 'it asks to sign in')
  })
}

testInBrowsers('/account, deletion, Back: nothing of the previous user', async (page, me) => {
  await page.goto(`${server.url}/account`)
  await page.fill('#farewell', me.password)
  await page.click('form[action="/account/delete"] button')
  await page.waitForSelector('text=Your account is deleted.')
  assert.doesNotMatch(await back(page), onlyMine(me))
})

testInBrowsers(
  'the session has ended elsewhere: Back shows nothing of the previous user',
  async (page, me) => {
    await page.goto(`${server.url}/account`)
    await endSessions(me)
    await page.click('.rail a[href="/timeline"]')
    await page.waitForSelector('#login-form')
    assert.doesNotMatch(await back(page), onlyMine(me))
  },
)

testInBrowsers(
  'Logout in one tab, Back in another: nothing of the previous user',
  async (page, me, kind) => {
    const other = await kind.context.newPage()
    await other.goto(`${server.url}/account`)
    await other.click('.rail a[href="/"]')
    await other.waitForURL(`${server.url}/`)
    await logOut(page)
    await page.waitForURL(`${server.url}/`)
    assert.doesNotMatch(await back(other), onlyMine(me))
  },
)

testInBrowsers(
  'another user signs in: Back shows their page, not that of the previous user',
  async (page, me, kind) => {
    await page.goto(`${server.url}/following`)
    // The answer that clears the cache of a browser without JavaScript does not come before the next page.
    await page.route(forgets, () => undefined)
    await logOut(page)
    await page.goto(`${server.url}/login`)
    const other = await person()
    await enter(page, other)
    await page.waitForURL('**/timeline')
    await back(page, { steps: 2, loads: kind.scripts })
    assert.doesNotMatch(await back(page, { loads: kind.scripts }), onlyMine(me))
  },
)

testInBrowsers(
  'the session has ended elsewhere: Back asks the server, and shows nothing private before the answer',
  async (page, me) => {
    await page.goto(`${server.url}/account`)
    await page.goto(`${server.url}/traces/guide`)
    await endSessions(me)
    assert.doesNotMatch(await back(page), onlyMine(me))
    assert.equal(await page.isVisible('#login-form'), true)
  },
  withScripts,
)

testInBrowsers(
  'the same user: Back shows the same page with its text, position and focus',
  async (page) => {
    await page.goto(`${server.url}/`)
    await page.fill('#side-q', 'geese')
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('#side-q')!.focus()
      document.documentElement.dataset['same'] = 'yes'
    })
    await page.evaluate(() => location.assign('/followers'))
    await page.waitForURL('**/followers')
    await back(page)
    const seen = await page.evaluate(() => ({
      same: document.documentElement.dataset['same'],
      opacity: getComputedStyle(document.documentElement).opacity,
      focus: document.activeElement?.id,
      words: document.querySelector<HTMLInputElement>('#side-q')?.value,
    }))
    assert.deepEqual(seen, { same: 'yes', opacity: '1', focus: 'side-q', words: 'geese' })
  },
  [{ scripts: true, cache: true }],
)

/** All requested URLs, and the cookies at the end: none of them may contain a draft. */
function addresses(page: Page): () => Promise<string> {
  const seen: string[] = []
  page.on('request', (request) => seen.push(request.url(), JSON.stringify(request.headers())))
  return async () => JSON.stringify([seen, await page.context().cookies()])
}

const words = 'canary words nobody may lose'

for (const path of ['/timeline', '/post']) {
  testInBrowsers(
    `${path}: the session ends while somebody writes; after sign-in the text is in the form`,
    async (page, me) => {
      await page.goto(server.url + path)
      const asked = addresses(page)
      await page.fill('#msg', words)
      await endSessions(me)
      await page.click('#post-btn')
      await page.waitForSelector('#login-form')
      await enter(page, { ...me, password: 'not the password' })
      await page.waitForSelector('#login-form .problem')
      await enter(page, me)
      await page.waitForSelector('#msg')
      await becomes(() => page.inputValue('#msg'), words)
      assert.equal(
        await page.locator(`.tweet:has-text("${words}")`).count(),
        0,
        'nothing is posted',
      )
      await page.click('#post-btn')
      await page.waitForSelector(`.tweet:has-text("${words}")`)
      // A script of the next page deletes the draft.
      await loaded(page)
      await page.goto(`${server.url}/post`)
      assert.equal(await page.inputValue('#msg'), '', 'what is posted is not offered again')
      await page.goto(`${server.url}/timeline`)
      assert.equal(await page.inputValue('#msg'), '')
      assert.equal(await page.locator(`.tweet:has-text("${words}")`).count(), 1)
      assert.doesNotMatch(await asked(), /canary/)
    },
  )
}

testInBrowsers(
  'another user who signs in does not see the text; with JavaScript its author still does',
  async (page, me, kind) => {
    await page.fill('#msg', words)
    await endSessions(me)
    await page.click('#post-btn')
    await page.waitForSelector('#login-form')
    await enter(page, await person())
    await page.waitForSelector('#composer, form[action="/logout"]')
    await loaded(page)
    assert.doesNotMatch(await page.content(), /canary/)
    for (const path of ['/post', '/timeline']) {
      await page.goto(server.url + path)
      assert.equal(await page.inputValue('#msg'), '')
    }
    if (!kind.scripts) return
    await logOut(page)
    await page.goto(`${server.url}/login`)
    await enter(page, me)
    await page.waitForURL('**/timeline')
    assert.equal(await page.inputValue('#msg'), words)
  },
  withCache,
)

testInBrowsers(
  'another user signs in in a second tab while somebody writes: the text is not posted under the other name',
  async (page, _, kind) => {
    await page.fill('#msg', words)
    const tab = await kind.context.newPage()
    await tab.goto(`${server.url}/account`)
    await logOut(tab)
    await tab.goto(`${server.url}/login`)
    await enter(tab, await person())
    await tab.waitForURL('**/timeline')
    await page.click('#post-btn')
    await page.waitForSelector('text=Somebody else is signed in here now')
    await tab.reload()
    assert.doesNotMatch(await tab.content(), /canary/)
  },
  withCache,
)

testInBrowsers(
  'sign-in after a visitor’s like redirects to the tweet, and does not like it',
  async (page) => {
    await logOut(page)
    await page.waitForURL(`${server.url}/`)
    await page.goto(`${server.url}/tweet/5`)
    await page.click('.btn-favorite')
    await page.waitForSelector('#login-form')
    await enter(page, await person())
    await page.waitForURL(`${server.url}/tweet/5`)
    const button = page.locator('.btn-favorite')
    assert.equal(await button.getAttribute('aria-pressed'), 'false')
    await button.click()
    await page.waitForSelector('.btn-favorite[aria-pressed=true]')
    assert.match(page.url(), /\/tweet\/5(#tweet-5)?$/)
  },
  withCache,
)

testInBrowsers(
  'the account form: sign-in redirects to it; with JavaScript the text is kept',
  async (page, me, kind) => {
    await page.goto(`${server.url}/account`)
    await page.fill('#bio', words)
    await endSessions(me)
    await page.click('form[action="/account/profile"] button')
    await page.waitForSelector('#login-form')
    await enter(page, me)
    await page.waitForURL('**/account')
    assert.equal(await page.inputValue('#bio'), kind.scripts ? words : '')
    await page.fill('#bio', 'Saved for good')
    await page.click('form[action="/account/profile"] button')
    await page.waitForSelector('text=Saved.')
    await page.goto(`${server.url}/account`)
    assert.equal(await page.inputValue('#bio'), 'Saved for good')
  },
  withCache,
)

testInBrowsers(
  'a draft survives leaving the page, an emptied one is deleted, and the page after sign-in can be reloaded',
  async (page, me) => {
    await page.fill('#msg', words)
    await page.goto(`${server.url}/`)
    await page.goto(`${server.url}/post`)
    assert.equal(await page.inputValue('#msg'), words)
    assert.equal(await page.textContent('#char-counter'), String(280 - words.length))
    await endSessions(me)
    await page.click('#post-btn')
    await page.waitForSelector('#login-form')
    await enter(page, me)
    await page.waitForURL('**/post')
    await page.reload()
    assert.equal(await page.inputValue('#msg'), words)
    await page.fill('#msg', '')
    await page.goto(`${server.url}/timeline`)
    assert.equal(await page.inputValue('#msg'), '')
    await page.fill('#msg', 'x'.repeat(20_000))
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }).length)
    assert.ok(kept > 5000 && kept < 6000, `${kept} characters`)
  },
  withScripts,
)

testInBrowsers(
  'the text of a failed post is kept in the tab; a browser without storage still works',
  async (page, _, kind) => {
    await page.goto(`${server.url}/post`)
    await page.fill('#msg', words)
    await page.route(/\/post\??$/, (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 503, contentType: 'text/html', body: '<h1>Busy</h1>' })
        : route.continue(),
    )
    await page.click('#post-btn')
    await page.waitForSelector('text=Busy')
    await page.unroute(/\/post\??$/)
    await page.goto(`${server.url}/timeline`)
    assert.equal(await page.inputValue('#msg'), words)
    const tab = await kind.context.newPage()
    await tab.addInitScript(() =>
      Object.defineProperty(window, 'sessionStorage', {
        get() {
          throw new DOMException('no', 'SecurityError')
        },
      }),
    )
    const troubles = watch(tab)
    await tab.goto(`${server.url}/timeline`)
    await tab.fill('#msg', 'nothing is stored')
    await tab.click('#post-btn')
    await tab.waitForSelector('.tweet:has-text("nothing is stored")')
    await tab.goto(`${server.url}/account`)
    await logOut(tab)
    await tab.waitForURL(`${server.url}/`)
    assert.deepEqual(troubles, [])
  },
  withScripts,
)
