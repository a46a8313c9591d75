// `npm run screenshots`: makes the pictures of README and docs from the built program with a new demo world;
// `npm run screenshots -- labs`: those of docs/labs/ alone.
import { mkdirSync } from 'node:fs'

import type { Page } from 'playwright-core'

import { enter, launch } from '../test/browser/browser.ts'
import { scratch, startServer } from '../test/process.ts'
import { takeLabPictures } from './labs/pictures.ts'

const folder = new URL('../docs/screenshots/', import.meta.url).pathname
mkdirSync(folder, { recursive: true })
using place = scratch()
const server = await startServer({
  DATABASE_URL: `file:${place.folder}/pictures.db`,
  LOG_LEVEL: 'silent',
})
const browser = await launch()

const desk = { width: 1180, height: 760 }
const phone = { width: 390, height: 780 }
type Picture = {
  name: string
  scheme: 'light' | 'dark'
  size: typeof desk
  act?: (page: Page) => Promise<unknown>
}

const openChip = async (page: Page) => {
  await page.locator('.btn-favorite').nth(1).click()
  await page.waitForFunction(() => document.querySelector('#chip-more')?.textContent === '+1')
  await page.click('#chip summary')
  await page.waitForSelector('#chip-panel .waterfall')
}
const pictures: Picture[] = [
  { name: 'timeline-light', scheme: 'light', size: desk },
  { name: 'timeline-dark', scheme: 'dark', size: desk },
  {
    name: 'thread-light',
    scheme: 'light',
    size: desk,
    // A conversation of the demo world.
    act: async (page) => {
      await page.goto(`${server.url}/@dmytro`)
      await page.locator('article', { hasText: 'In fog this thick' }).locator('.timestamp').click()
      await page.waitForSelector('.one')
      await page.mouse.move(0, 0)
    },
  },
  { name: 'phone-light', scheme: 'light', size: phone },
  {
    name: 'phone-dark',
    scheme: 'dark',
    size: phone,
    act: (page) => page.goto(`${server.url}/@mara`),
  },
  {
    name: 'profile-light',
    scheme: 'light',
    size: desk,
    act: (page) => page.goto(`${server.url}/@mara`),
  },
  { name: 'chip-light', scheme: 'light', size: desk, act: openChip },
  {
    name: 'traces-light',
    scheme: 'light',
    size: desk,
    act: (page) => page.goto(`${server.url}/traces`),
  },
  {
    name: 'trace-dark',
    scheme: 'dark',
    size: desk,
    act: async (page) => {
      await page.goto(`${server.url}/traces?q=favorite`)
      await page.click('#rows tr:first-child a')
      await page.waitForSelector('.waterfall')
    },
  },
]
const onlyLabs = process.argv.includes('labs')
for (const { name, scheme, size, act } of onlyLabs ? [] : pictures) {
  const context = await browser.newContext({ colorScheme: scheme, viewport: size })
  const page = await enter(context, server.url)
  await act?.(page)
  await page.screenshot({ path: `${folder}${name}.png` })
  await context.close()
}
await takeLabPictures(browser)
await browser.close()
await server.stop()
