// Plain http on a local network name, which is no secure context, unlike localhost: the console stays empty.
import assert from 'node:assert/strict'
import test from 'node:test'

import { scratch, startServer } from '../process.ts'
import { launch } from './browser.ts'

test('over plain http, no page and no form causes a console message', async () => {
  using place = scratch()
  await using browser = await launch({
    args: ['--host-resolver-rules=MAP birds.example 127.0.0.1'],
  })
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/http.db`,
    LOG_LEVEL: 'silent',
  })
  const origin = `http://birds.example:${new URL(server.url).port}`
  const page = await (await browser.newContext()).newPage()
  const said: string[] = []
  page.on('console', (line) => said.push(`${new URL(page.url()).pathname}: ${line.text()}`))
  for (const path of ['/', '/login', '/traces', '/logs', '/@user0001', '/nothing'])
    await page.goto(origin + path)
  assert.equal(await page.evaluate(() => isSecureContext), false)
  await page.goto(`${origin}/login`)
  await page.getByRole('button', { name: 'Ines, baker' }).click()
  await page.waitForURL('**/timeline')
  for (const path of ['/timeline', '/account', '/search?q=pier', '/post'])
    await page.goto(origin + path)
  await page.goto(`${origin}/logout`)
  await page.getByRole('button', { name: 'Log out' }).last().click()
  await page.waitForURL(`${origin}/`)
  // A missing page, hints about forms, and a header of /logout that does its work wherever it can.
  const isExpected = /status of 404|^\S+ \[DOM\]|Clear-Site-Data/
  assert.deepEqual(
    said.filter((line) => !isExpected.test(line)),
    [],
  )
})
