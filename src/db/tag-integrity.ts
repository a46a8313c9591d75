// Do the rows of tags say what the texts of the tweets say? Do rows of tags and mentions belong to a tweet?
import type Database from 'libsql'

import { hasTable, onFile, rowsMax, rowsOf, type Check } from './integrity-query.ts'
import { tagsKept } from './tag-build.ts'

const atOnce = 10_000

const strays = [
  ['tag_uses', 'tweet_id NOT IN (SELECT id FROM tweets)'],
  ['mentions', 'tweet_id NOT IN (SELECT id FROM tweets) OR user_id NOT IN (SELECT id FROM users)'],
] as const

/** Lists what is wrong with tags and mentions, one sentence each. */
export function* findTagProblems(): Check<string[]> {
  if (!(yield* hasTable('tag_uses'))) return []
  if ((yield* rowsOf("SELECT 1 FROM search_builds WHERE name = 'tag_uses'")).length === 0)
    return ['tag_uses: nobody knows of which tweets it has the tags']
  const problems: string[] = []
  for (const [table, isStray] of strays) {
    const [row] = yield* rowsOf(`SELECT count(*) FROM ${table} WHERE ${isStray}`)
    if (Number(row![0]) > 0) problems.push(`${table}: ${String(row![0])} rows belong to nothing`)
  }
  const wrong = yield* mistagged(rowsMax)
  return [...problems, ...wrong.map(({ id }) => `tweets ${id}: its tags are others`)]
}

/** Writes the tags again that are wrong, and deletes what belongs to nothing. Call it inside a transaction. */
export function repairTags(db: Database.Database): void {
  if (!onFile(db, hasTable('tag_uses'))) return
  for (const [table, isStray] of strays) db.exec(`DELETE FROM ${table} WHERE ${isStray}`)
  // Without the row that says so, all tweets are looked through, below.
  db.exec(
    "INSERT INTO search_builds (name, indexed_from) VALUES ('tag_uses', 0) ON CONFLICT DO NOTHING",
  )
  const remove = db.prepare('DELETE FROM tag_uses WHERE tweet_id = ?')
  const add = db.prepare(`INSERT INTO tag_uses (tag, tweet_id, user_id, created_at)
    SELECT value, tweets.id, user_id, created_at FROM tweets, json_each(?) WHERE tweets.id = ?`)
  for (const { id, tags } of onFile(db, mistagged(Infinity))) {
    remove.run([id])
    add.run([JSON.stringify(tags), id])
  }
}

/**
 * The tweets whose rows are not those of their texts; of the tweets that have had their turn (tag-build.ts), and not of
 * somebody whose account is being removed (deletions.ts).
 */
function* mistagged(max: number): Check<{ id: number; tags: string[] }[]> {
  const found: { id: number; tags: string[] }[] = []
  const [built] = yield* rowsOf("SELECT indexed_from FROM search_builds WHERE name = 'tag_uses'")
  const [newest] = yield* rowsOf('SELECT max(id) FROM tweets')
  const from = Number(built?.[0] ?? 0)
  const last = Number(newest?.[0] ?? 0)
  for (let id = from; id <= last && found.length < max; id += atOnce) {
    const rows = (yield* rowsOf(
      `SELECT id, msg,
        (SELECT json_group_array(tag) FROM tag_uses WHERE tweet_id = tweets.id) AS tags,
        (SELECT count(*) FROM tag_uses used WHERE used.tweet_id = tweets.id
          AND (used.user_id <> tweets.user_id OR used.created_at <> tweets.created_at)) AS others
        FROM tweets WHERE id >= ? AND id < ? AND (instr(msg, '#') OR instr(msg, '＃') OR tags <> '[]')
          AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = tweets.user_id AND users.name = '')`,
      [id, id + atOnce],
    )) as [number, string, string, number][]
    for (const [tweet, msg, kept, others] of rows) {
      const tags = tagsKept(msg)
      const isRight =
        others === 0 && tags.toSorted().join() === (JSON.parse(kept) as string[]).toSorted().join()
      if (!isRight) found.push({ id: tweet, tags })
    }
  }
  return found.slice(0, max)
}
