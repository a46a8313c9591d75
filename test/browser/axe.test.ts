// All pages, light and dark, wide and narrow: axe finds no problem, and the console stays empty.
import assert from 'node:assert/strict'
import test from 'node:test'

import { scratch, startServer } from '../process.ts'
import { violationsOf } from './axe.ts'
import { enter, launch, watch } from './browser.ts'

const paths = [
  '/',
  '/timeline',
  '/post',
  '/search?q=goose',
  '/search?q=zzzz',
  '/search?q=m',
  '/search?q=mara&type=people',
  '/@mara',
  '/@mara/followers',
  '/@ines/likes',
  '/tweet/7',
  '/tweet/7/delete',
  '/account',
  '/favorites',
  '/notifications',
  '/bookmarks',
  '/everybody',
  '/logout',
  '/traces',
  '/routes',
  '/routes?by=query',
  '/logs',
  '/traces/guide',
  '/traces?person=me&sort=duration',
  '/traces/runtime',
  '/traces/compare',
  '/traces/uploaded',
  '/faults',
  '/nothing',
  `/traces/${'0'.repeat(32)}`,
]
/** Each theme and each width once; AXE=all tries each theme with each width, which takes twice as long. */
const views = [
  ['light', 1280],
  ['dark', 390],
  ...(process.env['AXE'] === 'all'
    ? ([
        ['light', 390],
        ['dark', 1280],
      ] as const)
    : []),
] as const

test('axe finds no problem on any page, and no page violates its content security policy', async () => {
  using place = scratch()
  await using browser = await launch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/axe.db`,
    LOG_LEVEL: 'silent',
  })
  const findings: string[] = []
  const look = async ([colorScheme, width]: (typeof views)[number]) => {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
    const visitor = await context.newPage()
    for (const path of ['/login', '/register', '/register?wrong']) {
      await visitor.goto(server.url + path)
      if (path.endsWith('wrong')) {
        await visitor.fill('#reg-name', 'Wren')
        await visitor.fill('#reg-mailaddress', 'wren@example.org')
        await visitor.fill('#reg-password', 'short')
        await visitor.click('#register-form button')
        await visitor.waitForSelector('#reg-password-problem')
      }
      const violations = await violationsOf(visitor)
      for (const { id, nodes } of violations)
        findings.push(`${path} ${colorScheme} ${width}: ${id} ${nodes[0]?.html.slice(0, 160)}`)
    }
    const page = await enter(context, server.url, 'The Bench')
    const troubles = watch(page)
    await page.goto(`${server.url}/timeline`)
    const trace = await page.getAttribute('meta[name=traceparent]', 'content')
    for (const path of [...paths, `/traces/${trace!.slice(3, 35)}`]) {
      await page.goto(server.url + path)
      await page.$$eval('.waterfall details', (all) =>
        all.forEach((one) => one.setAttribute('open', '')),
      )
      const violations = await violationsOf(page)
      for (const { id, nodes } of violations)
        findings.push(
          `${path} ${colorScheme} ${width}: ${id} ${nodes[0]?.html.slice(0, 160)} ${nodes[0]?.failureSummary}`,
        )
    }
    await page.goto(`${server.url}/timeline`)
    await page.fill('#msg', 'x'.repeat(281))
    await page.click('#post-btn')
    await page.waitForSelector('#msg-problem')
    await page.click('#chip summary')
    await page.waitForSelector('#chip-panel .waterfall')
    for (const { id, nodes } of await violationsOf(page))
      findings.push(`422 and chip ${colorScheme} ${width}: ${id} ${nodes[0]?.html.slice(0, 160)}`)
    for (const trouble of troubles) findings.push(trouble)
    await context.close()
  }
  await Promise.all(views.map(look))
  assert.deepEqual([...new Set(findings)], [])
})
