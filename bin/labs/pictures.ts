// The pictures of docs/labs/: what a reader sees at the step that matters.
import { mkdirSync } from 'node:fs'

import type { Browser, Page } from 'playwright-core'

import { enter } from '../../test/browser/browser.ts'
import { scratch, startServer } from '../../test/process.ts'
import { runLab } from './command.ts'

const folder = new URL('../../docs/labs/pictures/', import.meta.url).pathname
const size = { width: 980, height: 1000 }
const margin = 16

type Picture = {
  lab: number
  /** The faults that are active one after the other, with their options; the last one stays. */
  faults: [string, Record<string, string>][]
  path: string
  /** Goes on from `path`. */
  act?: (page: Page) => Promise<unknown>
  /** The part that is shown: from the top of the first to so many pixels below it. */
  from: string
  height: number
}

const openFirst = async (page: Page) => {
  await page.click('#rows tr:first-child a')
  await page.waitForSelector('.waterfall')
}

const pictures: Picture[] = [
  {
    lab: 1,
    faults: [],
    path: '/timeline',
    act: async (page) => {
      await page.locator('.btn-favorite').nth(1).click()
      await page.waitForFunction(() => document.querySelector('#chip-more')?.textContent === '+1')
      await page.goto(new URL('/traces?q=favorite', page.url()).href)
      await openFirst(page)
    },
    from: '.waterfall',
    height: 210,
  },
  {
    lab: 2,
    faults: [['n-plus-one', { route: '/timeline' }]],
    path: '/traces?attribute=user_agent.original%3Dtracewren-lab%2F2',
    act: openFirst,
    from: '.waterfall',
    height: 400,
  },
  {
    lab: 3,
    faults: [['full-scan', { route: '/timeline', strength: '100' }]],
    path: '/traces?attribute=user_agent.original%3Dtracewren-lab%2F3',
    act: openFirst,
    from: '.waterfall',
    height: 200,
  },
  {
    lab: 4,
    faults: [['latency', { route: '/timeline', share: '0.05', strength: '800' }]],
    path: '/routes',
    from: 'table.sums',
    height: 210,
  },
  {
    lab: 5,
    faults: [['held-lock', { strength: '2000' }]],
    path: '/traces?q=POST+%2Ffavorite&slower=500',
    act: openFirst,
    from: '.waterfall',
    height: 210,
  },
  {
    lab: 6,
    faults: [['errors', { route: '/everybody', strength: '10' }]],
    path: '/traces?q=everybody&sampled=no&failed=1',
    from: '#list',
    height: 300,
  },
  {
    lab: 7,
    faults: [
      ['errors', { route: '/everybody', strength: '100' }],
      ['lost-log-ids', {}],
    ],
    path: '/logs?q=%2Feverybody',
    from: '.logs',
    height: 300,
  },
  {
    lab: 9,
    faults: [['many-routes', { strength: '200' }]],
    path: '/routes',
    from: 'table.sums',
    height: 330,
  },
  {
    lab: 10,
    faults: [['latency', { route: '/everybody', strength: '300' }]],
    path: '/traces?q=everybody&status=5xx',
    from: '#list',
    height: 300,
  },
]

/** What an app of this lab is started with, as its page says. */
const settingsOf: Record<number, Record<string, string>> = {
  6: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
  10: { MAX_IN_FLIGHT: '4' },
}

/** Takes all of them, each from an app of its own. */
export async function takeLabPictures(browser: Browser): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const picture of pictures) await take(browser, picture)
}

async function take(browser: Browser, { lab, faults, path, act, from, height }: Picture) {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/lab.db`,
    LOG_LEVEL: 'info',
    ...settingsOf[lab],
  })
  const post = (where: string, fields: Record<string, string> = {}) =>
    fetch(`${server.url}${where}`, { method: 'POST', body: new URLSearchParams(fields) })
  const send = () =>
    runLab([String(lab), '--traffic', '--url', server.url], 0, {
      say: () => undefined,
      complain: console.error,
    })
  if (lab !== 1 && lab !== 10) await send()
  for (const [name, options] of faults) {
    await post('/faults/stop')
    await post(`/faults/${name}`, options)
    await send()
  }
  await post('/faults/stop')
  const context = await browser.newContext({ colorScheme: 'light', viewport: size })
  const page = await enter(context, server.url)
  await page.goto(`${server.url}${path}`)
  await act?.(page)
  await page.mouse.move(0, 0)
  const { x, y, width } = await page
    .locator(from)
    .first()
    .evaluate((element) => {
      document.querySelector('#chip')?.remove()
      const box = element.getBoundingClientRect()
      return { x: box.left, y: box.top + window.scrollY, width: box.width }
    })
  await page.screenshot({
    path: `${folder}lab-${String(lab).padStart(2, '0')}.png`,
    clip: { x: x - margin, y: y - margin, width: width + 2 * margin, height },
    fullPage: true,
  })
  await context.close()
}
