// Finds the tags of the tweets that a database already had when `tag_uses` came: beside the running app, in slices, from the
// newest tweet to the oldest, like the search indexes (search-build.ts).
import { setTimeout as pause } from 'node:timers/promises'

import { sql } from 'drizzle-orm'

import { foundIn } from '../base/parse-text.ts'
import { shutdownSignal } from '../base/shutdown.ts'
import { log } from '../telemetry/log.ts'
import type { Database, Db } from './db.ts'

/** The first so many different tags of a tweet lead from the page of the tag to it. */
const tagsMax = 20

/** The keys of the tags of a text that get rows. */
export const tagsKept = (msg: string): string[] => foundIn(msg).tags.slice(0, tagsMax)

/** So many tweets are looked through at once: 9 ms of one core, with a tag in each. */
const atOnce = 500

const indexedFrom = sql`select indexed_from from search_builds where name = 'tag_uses'`

/** Goes on until all tweets have their tags, or the process is to end. `rest` is how long it waits, in lengths of a slice. */
export async function buildTags(
  { patient, whole }: Pick<Database, 'patient' | 'whole'>,
  rest = 1,
): Promise<void> {
  if (whole.tag_uses) return
  const begun = performance.now()
  let written = 0
  while (!shutdownSignal.aborted) {
    const started = performance.now()
    const from = (await patient.values<[number]>(indexedFrom))[0]?.[0] ?? 0
    if (from === 0) {
      whole.tag_uses = true
      const seconds = Math.round((performance.now() - begun) / 100) / 10
      log.info('search index built', { index: 'tag_uses', rows: written, seconds })
      return
    }
    written += await addSlice(patient, from)
    await pause((performance.now() - started) * rest)
  }
}

/** The tags of the newest tweets below `from`, in one batch with the row that says how far it is. */
async function addSlice(db: Db, from: number): Promise<number> {
  const to = Math.max(0, from - atOnce)
  const tweets = await db.values<[number, string]>(sql`select id, msg from tweets
    where id < ${from} and id >= ${to} and (instr(msg, '#') or instr(msg, '＃'))`)
  const pairs = tweets.flatMap((row) => tagsKept(row[1]).map((tag) => [tag, row[0]]))
  // A tweet may have been deleted meanwhile, and another process may have written the same rows.
  const [added] = await db.batch([
    db.run(sql`insert into tag_uses (tag, tweet_id, user_id, created_at)
      select value ->> 0, tweet.id, tweet.user_id, tweet.created_at
      from json_each(${JSON.stringify(pairs)}) cross join tweets tweet
      where tweet.id = value ->> 1 on conflict do nothing`),
    db.run(sql`update search_builds set indexed_from = ${to}
      where name = 'tag_uses' and indexed_from = ${from}`),
  ])
  return added.rowsAffected
}
