// The limits that processes share on a libSQL server: a bounded table, whose old rows are deleted while it is in use.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { forgetAttempts } from '../src/http/shared-limits.ts'

process.env['TEST_DATABASE'] = 'server'
const { startApp } = await import('./harness.ts')

test('counts that are over are deleted within a minute of use, and no more than the most are kept', async (t) => {
  await using app = await startApp()
  const { db } = app.database
  const rows = async () =>
    (await db.values<[string]>(sql`select key from attempts order by ends_at`)).map((row) => row[0])
  const fill = (from: number) =>
    db.run(sql`insert into attempts (key, count, ends_at) select ${from} || '-' || value, 1, ${from} + value
      from json_each(${JSON.stringify(Array.from({ length: 300 }, (_, n) => n))})`)
  const now = Date.now()
  await fill(now + 3_600_000)
  await fill(now - 3_600_000)
  await forgetAttempts(db, now, 100)
  const kept = await rows()
  assert.equal(kept.length, 100)
  assert.ok(kept.every((key) => key.startsWith(String(now + 3_600_000))))

  await fill(now - 3_600_000)
  const real = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => real() + 61_000)
  await app.visitor().post('/login', { mailaddress: 'a@example.org', password: 'whatever it is' })
  for (const giveUp = real() + 20_000; (await rows()).length > 102;)
    assert.ok(real() < giveUp, 'they are deleted')
})
