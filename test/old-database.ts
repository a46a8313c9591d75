// A database as an earlier release left it, with people and tweets in it.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createClient } from '@libsql/client/http'
import type { Client } from '@libsql/core/api'
import { migrate } from 'drizzle-orm/libsql/migrator'

import { applicationId } from '../src/db/database-file.ts'
import { drizzleOn } from '../src/db/drizzle.ts'
import { FileClient } from '../src/db/libsql-file.ts'

const drizzleFolder = fileURLToPath(new URL('../drizzle/', import.meta.url))
type Journal = { entries: { tag: string }[] }

/** What a tweet of this number says. */
export const oldTweet = (number: number) =>
  ['Việt Nam ngon quá', 'यह राम की किताब है', 'यह राम का घर है', 'plain gulls'][number % 4]!

type Old = {
  /** The migration that the release did not have yet. */
  before?: string
  /** Statements that add more rows. */
  more?: string[]
}

/** Makes it at a `file:` or `http:` URL: 3 people, and so many tweets by the first. */
export async function makeOldDatabase(
  url: string,
  tweets: number,
  { before = 'search', more = [] }: Old = {},
): Promise<void> {
  const isFile = url.startsWith('file:')
  const client: Client = isFile
    ? new FileClient(url.slice(5), { synchronous: 'normal', writeWaitMs: 5000, writeQueue: 9 })
    : createClient({ url })
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-'))
  try {
    if (isFile) await client.executeMultiple(`PRAGMA application_id=${applicationId}`)
    cpSync(drizzleFolder, folder, { recursive: true })
    const path = `${folder}/meta/_journal.json`
    const journal = JSON.parse(readFileSync(path, 'utf8')) as Journal
    const first = journal.entries.findIndex(({ tag }) => tag.endsWith(`_${before}`))
    writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, first) }))
    await migrate(drizzleOn(client), { migrationsFolder: folder })
    await client.batch(
      [
        ...['Mara Lindqvist', 'Nguyễn Việt', '田中'].map((name, index) => ({
          sql: `INSERT INTO users (name, handle, mailaddress, password_hash, created_at) VALUES (?, ?, ?, '', 1)`,
          args: [name, `old${index}`, `old${index}@example.org`],
        })),
        {
          sql: `INSERT INTO tweets (user_id, msg, created_at)
            WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${tweets})
            SELECT 1, CASE n % 4 WHEN 0 THEN ? WHEN 1 THEN ? WHEN 2 THEN ? ELSE ? END || ' ' || n, 1 FROM s`,
          args: [0, 1, 2, 3].map(oldTweet),
        },
        ...more,
      ],
      'write',
    )
  } finally {
    client.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
