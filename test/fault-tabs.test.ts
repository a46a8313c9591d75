// The tabs of the inspector and of the fault lab are the same, and name the lab only where there is one.
import assert from 'node:assert/strict'
import test from 'node:test'

import { createApp } from '../src/app.tsx'
import { readSettings } from '../src/config/env.ts'
import { Recorder } from '../src/trace-store/recorder.ts'
import { startApp } from './harness.ts'

const html = { headers: { Accept: 'text/html', Host: 'localhost:5000' } }
const tabsOf = (page: string) => {
  const [, nav = ''] = /<nav class="tabs inspector"[^>]*>(.*?)<\/nav>/s.exec(page) ?? []
  return [...nav.matchAll(/href="([^"]+)"/g)].map(([, href]) => href)
}

test('each page of the inspector leads to the lab, and the lab to each of them', async () => {
  await using base = await startApp({ INSPECT: '1' })
  const appWith = (env: Record<string, string>) =>
    createApp({
      database: base.database,
      settings: readSettings({ DATABASE_URL: base.url, INSPECT: '1', ...env }),
      state: { stopping: false },
      recorder: new Recorder(),
    })
  const inspector = ['/traces', '/logs', '/routes', '/routes?by=query', '/traces/runtime']
  const pages = [...inspector, '/traces/guide']
  const [on, off] = [appWith({}), appWith({ FAULTS: '0' })]
  for (const path of pages) {
    const tabs = tabsOf(await (await on.request(path, html)).text())
    assert.deepEqual(tabs, [...inspector, '/traces/uploaded', '/faults'], path)
    const without = tabsOf(await (await off.request(path, html)).text())
    assert.deepEqual(without, [...inspector, '/traces/uploaded'], path)
  }
  const lab = await (await on.request('/faults', html)).text()
  assert.deepEqual(tabsOf(lab), [...inspector, '/traces/uploaded', '/faults'])
  assert.match(lab, /<a href="\/faults" aria-current="page">/)
})
