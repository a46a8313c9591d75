import assert from 'node:assert/strict'
import test from 'node:test'

import { serverSpan, startFault, startTown, struck } from '../../test/fault-rig.ts'
import { faultPoints } from '../telemetry/fault-points.ts'
import { seriesMax } from './many-routes.ts'

test('many-routes: each request has a route of its own, and the path stays as it was', async () => {
  await using town = await startTown()
  const names = async () => {
    const routes = new Set<unknown>()
    for (let count = 0; count < 10; count++) {
      const span = serverSpan(await town.mara.get('/timeline'))
      assert.equal(span.attributes['url.path'], '/timeline')
      routes.add(span.attributes['http.route'])
    }
    return routes.size
  }
  const measured = await struck(town.mara, ['many-routes', { strength: '500' }], names)
  assert.ok(measured.during > 5, `${measured.during} names`)
  assert.deepEqual([measured.before, measured.byHand, measured.byTime], [1, 1, 1])
})

test('however many requests and routes there are, a process makes up no more than 1,000 series', async () => {
  await using town = await startTown()
  const series = new Set<string>()
  for (const seed of ['1', '2', '3']) {
    await startFault(town.mara, 'many-routes', { strength: String(seriesMax), seed })
    for (let count = 0; count < 5000; count++) {
      const request = { method: 'GET', status: 200 + (count % 3), key: {} }
      const named = faultPoints.nameRoute!(`/${count % 7}`, request)
      if (/\/\d+\/\d+$/.test(named)) series.add(`${request.status} ${named}`)
    }
  }
  assert.ok(series.size <= seriesMax && series.size > seriesMax / 2, `${series.size} series`)
})
