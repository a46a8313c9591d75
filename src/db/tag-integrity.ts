// Do the rows of tags say what the texts of the tweets say? Do rows of tags and mentions belong to a tweet?
import type Database from 'libsql'

import { tagsKept } from './tag-build.ts'

const shown = 20
const atOnce = 10_000
const rowsOf = (db: Database.Database, sql: string, bound: unknown[] = []) =>
  db.prepare(sql).raw().all(bound) as unknown[][]

/** Is the database from before mentions and tags? A backup may be one. */
const isOlder = (db: Database.Database) =>
  rowsOf(db, "SELECT 1 FROM sqlite_schema WHERE name = 'tag_uses'").length === 0

const strays = [
  ['tag_uses', 'tweet_id NOT IN (SELECT id FROM tweets)'],
  ['mentions', 'tweet_id NOT IN (SELECT id FROM tweets) OR user_id NOT IN (SELECT id FROM users)'],
] as const

/** Lists what is wrong with tags and mentions, one sentence each. */
export function findTagProblems(db: Database.Database): string[] {
  if (isOlder(db)) return []
  if (rowsOf(db, "SELECT 1 FROM search_builds WHERE name = 'tag_uses'").length === 0)
    return ['tag_uses: nobody knows of which tweets it has the tags']
  const without = strays.flatMap(([table, isStray]) =>
    rowsOf(db, `SELECT count(*) FROM ${table} WHERE ${isStray}`)
      .filter(([count]) => Number(count) > 0)
      .map(([count]) => `${table}: ${String(count)} rows belong to nothing`),
  )
  return [...without, ...mistagged(db, shown).map(({ id }) => `tweets ${id}: its tags are others`)]
}

/** Writes the tags again that are wrong, and deletes what belongs to nothing. Call it inside a transaction. */
export function repairTags(db: Database.Database): void {
  if (isOlder(db)) return
  for (const [table, isStray] of strays) db.exec(`DELETE FROM ${table} WHERE ${isStray}`)
  // Without the row that says so, all tweets are looked through, below.
  db.exec(
    "INSERT INTO search_builds (name, indexed_from) VALUES ('tag_uses', 0) ON CONFLICT DO NOTHING",
  )
  const remove = db.prepare('DELETE FROM tag_uses WHERE tweet_id = ?')
  const add = db.prepare(`INSERT INTO tag_uses (tag, tweet_id, user_id, created_at)
    SELECT value, tweets.id, user_id, created_at FROM tweets, json_each(?) WHERE tweets.id = ?`)
  for (const { id, tags } of mistagged(db, Infinity)) {
    remove.run([id])
    add.run([JSON.stringify(tags), id])
  }
}

/** The tweets whose rows are not those of their texts; of the tweets that have had their turn (tag-build.ts). */
function mistagged(db: Database.Database, max: number): { id: number; tags: string[] }[] {
  const found: { id: number; tags: string[] }[] = []
  const from = Number(
    rowsOf(db, "SELECT indexed_from FROM search_builds WHERE name = 'tag_uses'")[0]?.[0] ?? 0,
  )
  const last = Number(rowsOf(db, 'SELECT max(id) FROM tweets')[0]?.[0] ?? 0)
  for (let id = from; id <= last && found.length < max; id += atOnce) {
    const rows = rowsOf(
      db,
      `SELECT id, msg,
        (SELECT json_group_array(tag) FROM tag_uses WHERE tweet_id = tweets.id) AS tags,
        (SELECT count(*) FROM tag_uses used WHERE used.tweet_id = tweets.id
          AND (used.user_id <> tweets.user_id OR used.created_at <> tweets.created_at)) AS others
        FROM tweets WHERE id >= ? AND id < ? AND (instr(msg, '#') OR instr(msg, '＃') OR tags <> '[]')`,
      [id, id + atOnce],
    ) as [number, string, string, number][]
    for (const [tweet, msg, kept, others] of rows) {
      const tags = tagsKept(msg)
      const isRight =
        others === 0 && tags.toSorted().join() === (JSON.parse(kept) as string[]).toSorted().join()
      if (!isRight) found.push({ id: tweet, tags })
    }
  }
  return found.slice(0, max)
}
