import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'

import { FileClient } from './libsql-file.ts'

function open(synchronous: 'normal' | 'full') {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-'))
  const client = new FileClient(`${folder}/group.db`, {
    synchronous,
    writeWaitMs: 1000,
    writeQueue: 100,
  })
  const close = () => {
    client.close()
    rmSync(folder, { recursive: true })
  }
  return Object.assign(client, { [Symbol.dispose]: close })
}

for (const synchronous of ['normal', 'full'] as const) {
  test(`${synchronous}: of many writes at once each succeeds or fails by itself`, async () => {
    using client = open(synchronous)
    await client.execute('CREATE TABLE words (word TEXT UNIQUE) STRICT')
    const insert = (word: string) =>
      client.execute({ sql: 'INSERT INTO words VALUES (?)', args: [word] })
    const outcomes = await Promise.allSettled([
      ...['wren', 'owl', 'wren', 'tit'].map(insert),
      client.batch([
        { sql: "INSERT INTO words VALUES ('jay')", args: [] },
        { sql: "INSERT INTO words VALUES ('owl')", args: [] },
      ]),
      insert('rook'),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    )
    const { rows } = await client.execute('SELECT word FROM words ORDER BY word')
    assert.deepEqual(rows.flat(), ['owl', 'rook', 'tit', 'wren'], 'half a batch leaves nothing')
  })
}
