// What keys do: in every layout, beside an input method, on cards and rows; and where the focus is afterwards.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import type { CDPSession, Locator, Page } from 'playwright-core'

import { becomes, openTown } from './browser.ts'

const town = openTown()

const focused = (page: Page) =>
  page.evaluate(() => {
    const active = document.activeElement!
    return active.id || active.closest('article')?.id || active.localName
  })
const path = (page: Page) => new URL(page.url()).pathname
const card = (page: Page, at = 0) => page.locator('#feed > article').nth(at)

/** The first card whose text has no link: a link has an address of its own. */
const plain = (page: Page) => page.locator('#feed > article:not(:has(.msg a))').first()

/** Where the longest word of a text is drawn: a fixed place is between two words for some texts and fonts. */
const middleOfLongestWord = (text: Locator) =>
  text.evaluate((shown) => {
    const walker = document.createTreeWalker(shown, NodeFilter.SHOW_TEXT)
    const words: { node: Node; at: number; length: number }[] = []
    while (walker.nextNode())
      for (const { 0: word, index } of walker.currentNode.textContent!.matchAll(/\p{L}+/gu))
        words.push({ node: walker.currentNode, at: index, length: word.length })
    const { node, at, length } = words.reduce((one, two) => (two.length > one.length ? two : one))
    const range = document.createRange()
    range.setStart(node, at)
    range.setEnd(node, at + length)
    const [box] = range.getClientRects()
    return { x: box!.x + box!.width / 2, y: box!.y + box!.height / 2 }
  })

/** A key as this layout sends it. */
const pressed = (page: Page, key: string, code: string, more: object = {}) =>
  page.evaluate(
    ([name, place, others]) =>
      void (document.activeElement ?? document.body).dispatchEvent(
        new KeyboardEvent('keydown', {
          key: name,
          code: place,
          bubbles: true,
          cancelable: true,
          ...others,
        }),
      ),
    [key, code, more] as const,
  )

test('keys work in every layout and with Caps Lock, and not with Shift', () =>
  town.story(
    'Ines, baker',
    async (page) => {
      const layouts: [name: string, keys: [key: string, code: string][]][] = [
        [
          'Russian',
          [
            ['о', 'KeyJ'],
            ['л', 'KeyK'],
          ],
        ],
        [
          'Greek',
          [
            ['ξ', 'KeyJ'],
            ['κ', 'KeyK'],
          ],
        ],
        [
          'Hebrew',
          [
            ['ח', 'KeyJ'],
            ['ל', 'KeyK'],
          ],
        ],
        [
          'Arabic',
          [
            ['ت', 'KeyJ'],
            ['ن', 'KeyK'],
          ],
        ],
        [
          'Caps Lock',
          [
            ['J', 'KeyJ'],
            ['K', 'KeyK'],
          ],
        ],
        [
          'Russian with Caps Lock',
          [
            ['О', 'KeyJ'],
            ['Л', 'KeyK'],
          ],
        ],
        [
          'Dvorak: the letter counts',
          [
            ['j', 'KeyC'],
            ['k', 'KeyV'],
          ],
        ],
      ]
      const [first, second] = [
        await card(page, 0).getAttribute('id'),
        await card(page, 1).getAttribute('id'),
      ]
      for (const [name, [down, up]] of layouts) {
        await page.evaluate(() => (document.activeElement as HTMLElement).blur())
        await pressed(page, ...down!)
        await pressed(page, ...down!)
        assert.equal(await focused(page), second, name)
        await pressed(page, ...up!)
        assert.equal(await focused(page), first, name)
      }
      await pressed(page, 'J', 'KeyJ', { shiftKey: true })
      assert.equal(await focused(page), first, 'Shift+J is another key')
      await pressed(page, 'h', 'KeyJ')
      assert.equal(await focused(page), first, 'on Dvorak this is h')

      await pressed(page, ',', 'Slash', { shiftKey: true })
      await page.waitForSelector('dialog[open] kbd')
      await page.keyboard.press('Escape')
      await pressed(page, '.', 'Slash')
      assert.equal(await focused(page), 'side-q')
      await page.keyboard.press('Escape')
      await pressed(page, 'л', 'KeyK', { ctrlKey: true })
      assert.equal(await focused(page), 'side-q')
      await page.keyboard.press('Escape')
      await Promise.all([pressed(page, 'п', 'KeyG'), pressed(page, 'е', 'KeyT')])
      await page.waitForURL(`${town.url}/`)
    },
    { viewport: { width: 1300, height: 700 } },
  ))

/** Composes as an input method does: what is not yet a word stands in the field. */
const compose = (client: CDPSession, text: string) =>
  client.send('Input.imeSetComposition', {
    text,
    selectionStart: text.length,
    selectionEnd: text.length,
  })

test('an input method has its own keys: Escape, Ctrl+Enter and half a word do nothing', () =>
  town.story('Ines, baker', async (page) => {
    const client = await page.context().newCDPSession(page)
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.headers()['hx-request']) sent.push(`${request.method()} ${request.url()}`)
    })
    await page.focus('#msg')
    await compose(client, 'とうきょ')
    await page.keyboard.press('Escape')
    assert.equal(await focused(page), 'msg')
    await compose(client, 'とうきょ')
    await page.keyboard.press('Control+Enter')
    await pressed(page, 'Enter', 'Enter', { ctrlKey: true, isComposing: true })
    await pressed(page, 'Process', 'Enter', { ctrlKey: true, keyCode: 229 })
    await pause(300)
    assert.equal(sent.length, 0, sent.join())
    await client.send('Input.insertText', { text: '東京' })
    await page.keyboard.press('Control+Enter')
    await page.waitForSelector('#feed > article:first-child:has-text("東京")')
    assert.equal(sent.filter((one) => one.startsWith('POST')).length, 1)

    await card(page).focus()
    await pressed(page, 'j', 'KeyJ', { isComposing: true })
    await pressed(page, 'j', 'KeyJ', { keyCode: 229 })
    assert.equal(await focused(page), await card(page).getAttribute('id'))

    await page.goto(`${town.url}/search`)
    sent.length = 0
    await page.focus('#q')
    for (const part of ['g', 'go', 'goo', 'goos']) {
      await compose(client, part)
      await pause(300)
    }
    assert.equal(sent.length, 0, sent.join())
    await client.send('Input.insertText', { text: 'goose' })
    await page.waitForSelector('#results article')
    assert.deepEqual(
      sent.map((one) => one.split('q=')[1]),
      ['goose'],
    )
  }))

test('a card opens by Enter and by a click on its free ground; its text can be selected', () =>
  town.story('Ines, baker', async (page) => {
    await page.goto(`${town.url}/`)
    const address = (await plain(page).locator('.timestamp').getAttribute('href'))!
    const back = async () => {
      await page.waitForURL(`**${address}`)
      await page.goto(`${town.url}/`)
    }
    await plain(page).focus()
    await page.keyboard.press('Enter')
    await back()
    const box = (await plain(page).boundingBox())!
    const ground = { x: box.width - 6, y: box.height - 6 }
    await plain(page).click({ position: ground })
    await back()
    await plain(page).locator('.msg').click()
    await back()

    for (const button of ['middle', 'left'] as const) {
      const opened = page.context().waitForEvent('page')
      await plain(page).click({
        position: ground,
        button,
        ...(button === 'left' && { modifiers: ['Control'] }),
      })
      const tab = await opened
      await tab.waitForURL(`**${address}`)
      await tab.close()
      assert.equal(path(page), '/')
    }

    const text = plain(page).locator('.msg')
    await text.scrollIntoViewIfNeeded()
    const word = await middleOfLongestWord(text)
    await page.mouse.dblclick(word.x, word.y)
    await pause(400)
    assert.equal(path(page), '/', 'two clicks select a word')
    assert.match(await page.evaluate(() => String(getSelection())), /\S/)
    const line = (await text.boundingBox())!
    await page.mouse.click(2, 2)
    await page.mouse.move(line.x + 2, line.y + 10)
    await page.mouse.down()
    await page.mouse.move(line.x + 90, line.y + 10, { steps: 4 })
    await page.mouse.up()
    await pause(400)
    assert.equal(path(page), '/', 'who drags selects')

    await page.mouse.click(2, 2)
    const heart = plain(page).locator('.btn-favorite')
    const before = await heart.getAttribute('aria-pressed')
    await heart.click()
    await becomes(() => heart.getAttribute('aria-pressed'), String(before !== 'true'))
    await pause(300)
    assert.equal(path(page), '/', 'a button does what it says')
    const author = (await plain(page).locator('.username').getAttribute('href'))!
    await plain(page).locator('.username').click()
    await page.waitForURL(`**${author}`)

    await page.goto(town.url + address)
    await page.locator('.one .msg').click()
    await page.locator('.one article').focus()
    await page.keyboard.press('Enter')
    await pause(300)
    assert.equal(path(page), address)
  }))

test('people and rows of the inspector open likewise', () =>
  town.story('Ines, baker', async (page) => {
    await page.goto(`${town.url}/@mara/followers`)
    const person = (await card(page, 1).locator('.username').getAttribute('href'))!
    await card(page, 1).focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**${person}`)
    for (const [from, cell] of [
      ['/traces', '.number'],
      ['/routes', '.number'],
    ] as const) {
      await page.goto(town.url + from)
      const row = page.locator('.requests tbody tr:has(a)').first()
      const address = (await row.locator('a').first().getAttribute('href'))!
      await row.locator(cell).first().click()
      await page.waitForURL(town.url + address)
      await page.goto(town.url + from)
    }
    await page.goto(`${town.url}/traces`)
    const opened = page.context().waitForEvent('page')
    await page.locator('#rows tr').first().locator('.number').first().click({ button: 'middle' })
    const tab = await opened
    await tab.waitForURL(/\/traces\/[0-9a-f]{32}/)
    await page.focus('#rows a')
    await page.keyboard.press('o')
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/)
  }))

test('the list of keys names every key; dialogs hold the focus and give it back', () =>
  town.story('Ines, baker', async (page) => {
    await card(page).focus()
    await page.keyboard.press('?')
    const dialog = page.locator('dialog[open]')
    // Its script is loaded when it is asked for the first time.
    await dialog.waitFor()
    const listed = await dialog.locator('dt').allTextContents()
    const names = listed.map((line) => line.trim())
    for (const key of [
      'j',
      'k',
      'o',
      'l',
      'n',
      '/',
      't',
      'w',
      '?',
      'g h',
      'g t',
      'g p',
      'Enter',
      'Ctrl K',
      'Ctrl Enter',
      'Ctrl End',
      'Esc',
    ])
      assert.ok(names.includes(key), `${key} is not in ${names.join(', ')}`)
    for (let stop = 0; stop < 5; stop++) {
      await page.keyboard.press('Tab')
      const inside = await page.evaluate(
        () =>
          document.activeElement === document.body || !!document.activeElement?.closest('dialog'),
      )
      assert.ok(inside, 'Tab leaves the dialog')
    }
    await page.keyboard.press('Escape')
    assert.equal(await focused(page), await card(page).getAttribute('id'))

    await page.fill('#msg', 'Nobody may lose this')
    await page.keyboard.press('Control+Enter')
    const mine = page.locator('article:has-text("Nobody may lose this")')
    await mine.locator('.delete').focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog[open]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('dialog', { state: 'detached' })
    assert.equal(await page.evaluate(() => document.activeElement?.className), 'delete')
    assert.equal(await mine.count(), 1, 'the first button keeps it')
  }))

test('the skip link leads past the navigation, Ctrl+End past the list', () =>
  town.story('Ines, baker', async (page) => {
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL('**#*')
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'msg')
    await card(page).focus()
    await page.keyboard.press('PageDown')
    assert.equal(await focused(page), await card(page, 1).getAttribute('id'))
    for (const [width, past] of [
      [1300, '.side'],
      [390, '.side'],
      [800, '#chip'],
    ] as const) {
      await page.setViewportSize({ width, height: 700 })
      await card(page).focus()
      await page.keyboard.press('Control+End')
      // The list may grow meanwhile.
      await pause(500)
      const where = `document.activeElement.closest('${past}')?.localName`
      assert.match(String(await page.evaluate(where)), /aside|details/, `${width} px`)
    }
  }))

test('after "Load more" and "Show the top" the first new tweet has the focus', () =>
  town.story('Ines, baker', async (page) => {
    await page.goto(`${town.url}/timeline?from=200`)
    const more = page.locator('#more a')
    // A repost beside its post is left out, so a slice may have fewer than 20.
    const before = await page.locator('#feed > article').count()
    await more.focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction(
      (count) => document.querySelectorAll('#feed > article').length > count,
      before,
    )
    await page.waitForFunction(() => document.activeElement?.closest('#feed > article'))
    assert.equal(await focused(page), await card(page, before).getAttribute('id'))
    await page.goto(`${town.url}/`)
    await page.locator('#more a').focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.querySelectorAll('#feed > article').length > 20)
    assert.equal(await focused(page), await card(page, 20).getAttribute('id'))
    assert.equal(await page.locator('#more').count(), 0)
  }))
