// What a page says to those who see it otherwise: charts in words, colours that a system has forced, times of a zone.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { enter, openTown, watch } from './browser.ts'

const town = openTown()

test('a chart says its values under the pointer, and to the arrow keys', async () => {
  const page = await enter(await town.browser.newContext(), town.url)
  const troubles = watch(page)
  await page.goto(`${town.url}/traces`)
  for (const [index, [label, value]] of [
    ['Rate', /^-0:10 min: [\d.]+ \/s$/],
    ['Errors', /^-0:10 min: 0 errors$/],
    ['Duration', /^-0:10 min: p50 [\d.]+ m?s, p95 [\d.]+ m?s, p99 [\d.]+ m?s$/],
  ].entries() as Iterable<[number, [string, RegExp]]>) {
    const chart = page.locator('.chart').nth(index)
    const line = chart.locator('.top')
    const top = await line.textContent()
    const slider = chart.getByRole('slider', { name: `${label} over time` })
    const box = (await slider.boundingBox())!
    await page.mouse.move(box.x + box.width - 2, box.y + 5)
    assert.match((await line.textContent())!, value, `${label} under the pointer`)
    await page.mouse.move(0, 0)
    assert.equal(await line.textContent(), top)
    await slider.focus()
    assert.match((await line.textContent())!, value, `${label} by keyboard`)
    await page.keyboard.press('ArrowLeft')
    assert.match((await slider.getAttribute('aria-valuetext'))!, /^-0:20 min: /)
    await page.keyboard.press('Home')
    assert.match((await line.textContent())!, /^-10:00 min: /)
    await page.keyboard.press('End')
    assert.match((await line.textContent())!, value)
    await slider.blur()
    assert.equal(await line.textContent(), top)
  }
  assert.deepEqual(troubles, [])
  await page.context().close()
  const plain = await town.browser.newContext({ javaScriptEnabled: false })
  const page2 = await plain.newPage()
  await page2.goto(`${town.url}/traces`)
  const titles = await page2.locator('.chart:first-child rect title').allTextContents()
  assert.equal(titles.length, 60)
  assert.match(titles.at(-1)!, /^-0:10 min: [\d.]+ \/s$/)
  await plain.close()
})

const styleOf = (page: Page, selector: string, name: string, pseudo = '') =>
  page.$eval(
    selector,
    (element, [property, part]) => getComputedStyle(element, part).getPropertyValue(property!),
    [name, pseudo],
  )

for (const colorScheme of ['light', 'dark'] as const)
  test(`forced colours, ${colorScheme}: the tab, the place and the theme that are current, swatches and the dot can be told apart`, async () => {
    const context = await town.browser.newContext({ colorScheme, forcedColors: 'active' })
    const page = await enter(context, town.url)
    const differ = async (selectors: string[], property: string, pseudo = '') => {
      const colours = await Promise.all(
        selectors.map((one) => styleOf(page, one, property, pseudo)),
      )
      assert.equal(
        new Set(colours).size,
        colours.length,
        `${selectors.join(' ')}: ${colours.join(' ')}`,
      )
      return colours
    }
    const canvas = await styleOf(page, 'main', 'background-color')
    const dot = await styleOf(page, '.dot', 'background-color')
    assert.notEqual(dot, canvas, 'the dot')
    await differ(['.menu [aria-current]', '.menu nav a:not([aria-current])'], 'background-color')
    await differ(
      ['.themes [aria-pressed=true]', '.themes [aria-pressed=false]'],
      'background-color',
    )
    await page.goto(`${town.url}/@mara`)
    await differ(['.tabs [aria-current]', '.tabs a:not([aria-current])'], 'border-bottom-color')
    await page.goto(`${town.url}/traces`)
    await differ(['.tabs [aria-current]', '.tabs a:not([aria-current])'], 'border-bottom-color')
    const swatches = await differ(
      ['.key.p50', '.key.p95', '.key.p99'],
      'background-color',
      '::before',
    )
    assert.ok(!swatches.includes(canvas), 'swatches')
    await context.close()
  })

/** A time of the page as a zone writes it, made here by another way than in the page. */
const inZone = (iso: string, timeZone: string) => {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(new Date(iso))
  const [, day, month, year, time] = /^(\d+)\/(\d+)\/(\d+), (.*)$/.exec(parts)!
  return { date: `${year}-${month}-${day}`, time: time! }
}

for (const [timezoneId, zone] of [
  ['America/New_York', /E[SD]T|GMT-[45]/],
  ['Asia/Kathmandu', /GMT\+5:45/],
  ['Pacific/Kiritimati', /GMT\+14/],
] as const)
  test(`times are those of the reader in ${timezoneId}, and name the zone`, async () => {
    const context = await town.browser.newContext({ timezoneId })
    const page = await enter(context, town.url)
    const troubles = watch(page)
    const readTimes = () =>
      page.$$eval('time', (all) =>
        all.map((one) => ({ iso: one.dateTime, title: one.title, text: one.textContent.trim() })),
      )
    await page.goto(`${town.url}/@mara`)
    await page.locator('#more a').scrollIntoViewIfNeeded()
    await page.waitForSelector('#feed > article:nth-child(21)')
    for (const { iso, title, text } of await readTimes()) {
      const { date, time } = inZone(iso, timezoneId)
      assert.equal(title.slice(0, 16), `${date} ${time.slice(0, 5)}`)
      assert.match(title.slice(17), zone)
      if (/^[A-Z]/.test(text)) assert.equal(Number(/\d+/.exec(text)![0]), Number(date.slice(-2)))
    }
    await page.goto(`${town.url}/tweet/7`)
    const shown = (await readTimes()).at(-1)!
    const { date, time } = inZone(shown.iso, timezoneId)
    assert.ok(shown.text.startsWith(`${date} ${time.slice(0, 5)} `), shown.text)
    assert.match(shown.text, zone)
    for (const path of ['/traces', '/logs']) {
      await page.goto(town.url + path)
      for (const { iso, text } of await readTimes())
        assert.equal(text, inZone(iso, timezoneId).time + iso.slice(19, 23), path)
      assert.match((await page.textContent('.zone'))!, zone, path)
    }
    await page.goto(`${town.url}/traces`)
    await page.click('.requests a')
    // The script that writes times anew runs before the page is loaded.
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/)
    const trace = (await page.textContent('.trace time'))!
    assert.match(trace, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /)
    assert.match(trace, zone)
    assert.deepEqual(troubles, [])
    await context.close()
  })

test('without a script times are in UTC, and say so', async () => {
  const context = await town.browser.newContext({
    timezoneId: 'America/New_York',
    javaScriptEnabled: false,
  })
  const page = await enter(context, town.url)
  await page.goto(`${town.url}/tweet/7`)
  const times = page.locator('time')
  assert.match((await times.first().getAttribute('title'))!, /^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
  assert.match((await times.last().textContent())!, /^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
  for (const path of ['/traces', '/logs']) {
    await page.goto(town.url + path)
    assert.equal(await page.textContent('.zone'), 'UTC', path)
  }
  await context.close()
})
