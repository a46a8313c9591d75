import assert from 'node:assert/strict'
import test from 'node:test'

import { isRefused, serverSpan, startFault, startTown, struck } from '../../test/fault-rig.ts'
import type { Answer } from '../../test/harness.ts'
import { explain } from '../db/db.ts'

const isScan = (text: string) => text.includes('scanned NOT INDEXED')
const scansOf = ({ queries }: Answer) =>
  queries.filter(({ attributes }) => isScan(String(attributes['db.query.text'])))

test('full-scan: the query of the list scans, and answers the same', async () => {
  await using town = await startTown()
  const { app, mara } = town
  if (await isRefused(town, 'full-scan')) return
  const facts = async () => {
    const answer = await mara.get('/timeline', { as: 'browser' })
    return {
      scans: scansOf(answer).length,
      rows: serverSpan(answer).attributes['app.db.rows'],
      posts: [...answer.text.matchAll(/post number \d+/g)].join(' '),
    }
  }
  await facts()
  const calm = await facts()
  const options = { strength: '100' }
  const measured = await struck(mara, ['full-scan', options], facts)
  assert.deepEqual(measured, {
    before: calm,
    during: { ...calm, scans: 1 },
    byHand: calm,
    byTime: calm,
  })
  await startFault(mara, 'full-scan', options)
  assert.equal(scansOf(await mara.get('/everybody')).length, 0)
  const [scan] = scansOf(await mara.get('/timeline'))
  const plan = await explain(app.database.db, String(scan!.attributes['db.query.text']))
  assert.ok(plan.some(({ step }) => step.startsWith('SCAN scanned')))
})
