// Where letters stand: lines in scripts that run from right to left, links in them, and marks that are stacked.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { scratch, startServer } from '../process.ts'
import { enter, launch } from './browser.ts'

const tweets = {
  hebrew: 'שלום @bob_smith מה שלומך',
  arabic: 'قرأت #hello اليوم',
  leading: '@bob_smith שלום לך',
  address: 'ראו https://a.example/x?y=1 כאן',
  tag: 'I like #שלום a lot',
  lines: 'שלום לך\nhello there\nقرأت اليوم',
  stacked: `Zx${'\u0300'.repeat(28)}${'\u0323'.repeat(28)}y`,
}

test('right to left: links keep their order, lines have a direction of their own, marks stay in their tweet', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/text.db`,
    LOG_LEVEL: 'silent',
  })
  const browser = await launch()
  try {
    const page = await enter(await browser.newContext(), server.url)
    const ids: Record<string, string> = {}
    for (const [name, msg] of Object.entries(tweets)) {
      await page.goto(`${server.url}/timeline`)
      await page.fill('#msg', msg)
      const first = page.locator('.tweet').first()
      const before = await first.getAttribute('data-tweet-id')
      await page.click('#post-btn')
      // Not the answer: the page shows it a moment later.
      await page.waitForFunction(
        (id) => document.querySelector<HTMLElement>('.tweet')!.dataset['tweetId'] !== id,
        before,
      )
      ids[name] = (await first.getAttribute('data-tweet-id'))!
    }
    /** Where each character of a tweet stands: the middle of its box. */
    const placesOf = (name: string) =>
      page.evaluate((id) => {
        const msg = document.querySelector(`#msg-${id}`)!
        const box = msg.getBoundingClientRect()
        const walker = document.createTreeWalker(msg, NodeFilter.SHOW_TEXT)
        const places: { letter: string; x: number; y: number }[] = []
        for (let node = walker.nextNode(); node; node = walker.nextNode())
          for (const [at, letter] of [...node.textContent!].entries()) {
            const range = document.createRange()
            range.setStart(node, at)
            range.setEnd(node, at + 1)
            const { left, width, top } = range.getBoundingClientRect()
            places.push({ letter, x: left + width / 2 - box.left, y: top })
          }
        return { places, width: box.width }
      }, ids[name])
    const runs = (xs: number[]) =>
      xs.every((x, at) => at === 0 || x > xs[at - 1]!)
        ? 'ltr'
        : xs.every((x, at) => at === 0 || x < xs[at - 1]!)
          ? 'rtl'
          : 'mixed'
    const within = async (name: string, part: string) => {
      const { places, width } = await placesOf(name)
      const text = places.map(({ letter }) => letter).join('')
      const from = text.indexOf(part)
      assert.ok(from >= 0, part)
      const xs = places.slice(from, from + part.length).map(({ x }) => x)
      return { runs: runs(xs), from: Math.min(...xs), to: Math.max(...xs), width }
    }

    assert.equal((await within('hebrew', '@bob_smith')).runs, 'ltr')
    const [shalom, ma] = [await within('hebrew', 'שלום'), await within('hebrew', 'מה')]
    assert.equal(shalom.runs, 'rtl')
    assert.ok(shalom.from > ma.to, 'the first word is the rightmost')
    assert.ok(shalom.to > shalom.width - 40, 'the line begins at the right')
    assert.equal((await within('arabic', '#hello')).runs, 'ltr')

    const mention = await within('leading', '@bob_smith')
    assert.equal(mention.runs, 'ltr')
    assert.ok(
      mention.from > (await within('leading', 'שלום')).to,
      'a leading mention turns nothing round',
    )
    assert.ok(mention.to > mention.width - 40)

    const address = await within('address', 'a.example/x')
    assert.equal(address.runs, 'ltr')
    assert.ok(address.from > (await within('address', 'כאן')).to)
    assert.equal((await within('tag', '#שלום')).runs, 'rtl')
    assert.ok((await within('tag', 'a lot')).from > (await within('tag', '#שלום')).to)

    const first = await within('lines', 'שלום')
    const second = await within('lines', 'hello')
    const third = await within('lines', 'قرأت')
    assert.ok(first.to > first.width - 40 && third.to > third.width - 40)
    assert.ok(second.runs === 'ltr' && second.from < 40)

    // What is clipped cannot be hit, nor painted over the buttons below.
    const heights = await page.evaluate((id) => {
      const msg = document.querySelector(`#msg-${id}`)!
      const style = getComputedStyle(msg)
      return { overflow: style.overflowY, margin: style.getPropertyValue('overflow-clip-margin') }
    }, ids['stacked'])
    assert.equal(heights.overflow, 'clip')
  } finally {
    await browser.close()
  }
})
