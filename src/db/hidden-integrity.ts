// Has every block its two rows, and every person the right number of rows of `hidden`? For db:check and db:repair.
import type Database from 'libsql'

import {
  countOf,
  hasTable,
  onFile,
  rowsMax,
  rowsOf,
  type Check,
  type Counter,
} from './integrity-query.ts'

/** What is counted of hidden people; less in a database from before. */
export function* hiddenCounters(): Check<Counter[]> {
  if (!(yield* hasTable('hidden'))) return []
  const counter: Counter = ['users', 'hidden_count', countOf('hidden WHERE viewer_id = users.id')]
  if (!(yield* hasTable('hidden_followed'))) return [counter]
  const isFollowed = `hidden.kind = 'mute' AND EXISTS (SELECT 1 FROM follows f
    WHERE f.follower_id = hidden.viewer_id AND f.followed_id = hidden.author_id)`
  return [counter, ['hidden', 'followed', isFollowed]]
}

/** SELECTs the sides of blocks whose other side is missing; not of who is being removed (deletions.ts). */
const halfBlocks = `SELECT h.viewer_id, h.author_id, h.kind, h.created_at FROM hidden h WHERE h.kind <> 'mute'
  AND NOT EXISTS (SELECT 1 FROM hidden o WHERE o.viewer_id = h.author_id AND o.author_id = h.viewer_id
    AND o.kind = iif(h.kind = 'block', 'blocked', 'block'))
  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id IN (h.viewer_id, h.author_id) AND u.name = '')`

/** Lists blocks of which only one side is there, one sentence each. */
export function* findHalfBlocks(): Check<string[]> {
  if (!(yield* hasTable('hidden'))) return []
  return (yield* rowsOf(`${halfBlocks} LIMIT ${rowsMax}`)).map(
    ([viewer, author, kind]) =>
      `hidden of ${String(viewer)} and ${String(author)}: a ${String(kind)} without its other side`,
  )
}

/** Completes a block; takes away the other side of one that is not there. Call it in a transaction. */
export function repairBlocks(db: Database.Database): void {
  if (!onFile(db, hasTable('hidden'))) return
  db.exec(`DELETE FROM hidden WHERE kind = 'blocked' AND (viewer_id, author_id) IN (
    SELECT viewer_id, author_id FROM (${halfBlocks}) WHERE kind = 'blocked')`)
  db.exec(`INSERT INTO hidden (viewer_id, author_id, kind, created_at)
    SELECT author_id, viewer_id, 'blocked', created_at FROM (${halfBlocks}) WHERE kind = 'block'`)
}
