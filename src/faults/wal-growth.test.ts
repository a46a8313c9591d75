import assert from 'node:assert/strict'
import test from 'node:test'

import {
  isRefused,
  runtimePage,
  startFault,
  startTown,
  struck,
  until,
} from '../../test/fault-rig.ts'
import { diskShareMax, mayGrow, walGrowth, walMbMax } from './wal-growth.ts'

const megabyte = 1_048_576

test('wal-growth: the log grows up to the strength and is short again at the end; no row has changed', async () => {
  await using town = await startTown()
  const { app, mara } = town
  if (await isRefused(town, 'wal-growth')) return
  const size = () => app.database.walBytes()! / megabyte
  const text = async () => (await mara.get('/timeline')).text.match(/post number \d+/g)
  const posts = await text()
  const measured = await struck(mara, ['wal-growth', { strength: '8' }], async (isStruck) => {
    if (isStruck) await until('the log does not grow', () => size() > 7.9)
    return size()
  })
  assert.ok(measured.during > 7.9 && measured.during < 10, `${measured.during} MB`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm < 6, `${calm} MB`)
  assert.deepEqual(await text(), posts)
})

test('the log has at most 512 MB and a tenth of the free disk', () => {
  assert.deepEqual([walGrowth.strength.max, walMbMax, diskShareMax], [512, 512, 0.1])
  const place = (wal: number, free: number | undefined) => ({
    database: {
      walBytes: () => wal * megabyte,
      freeBytes: () => (free === undefined ? undefined : free * megabyte),
    } as Parameters<typeof mayGrow>[0]['database'],
  })
  assert.equal(mayGrow(place(0, 10_000), 512), true)
  assert.equal(mayGrow(place(511, 10_000), 512), true)
  assert.equal(mayGrow(place(512, 10_000), 600), false)
  assert.equal(mayGrow(place(64, 10_000), 64), false)
  assert.equal(mayGrow(place(20, 100), 512), false)
  assert.equal(mayGrow(place(0, undefined), 512), false)
})

test('wal-growth: the page that its text names shows how the log climbs', async () => {
  assert.match(walGrowth.find, /^\/traces\/runtime: the write-ahead log climbs/)
  await using town = await startTown({ INSPECT: '1' })
  if (await isRefused(town, 'wal-growth')) return
  using page = runtimePage(town)
  const before = await page.newest('Write-ahead log', '<b>')
  await startFault(town.mara, 'wal-growth', { strength: '16' })
  await until('the page does not show it', async () => {
    return (await page.newest('Write-ahead log', '<b>')) > before + 8
  })
})
