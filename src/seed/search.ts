// The search index of a large world, made in a file and a thread of its own while the rest is written: it is half of
// the work. The texts need not travel: they are a function of the seed.
import { setImmediate as turn } from 'node:timers/promises'

import Database from 'libsql'

import { Bulk } from './bulk.ts'
import type { Plan } from './plan.ts'
import { textsOf } from './texts.ts'

const chunk = 5000

/** No journal and no fsync: a build that fails is thrown away. */
export const bulkPragmas = `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
  PRAGMA foreign_keys=OFF; PRAGMA cache_size=-65536;`

/** Makes the index with the statement of the migrations; reports how many more tweets are in it. */
export async function writeSearch(
  { path, create, plan }: { path: string; create: string; plan: Plan },
  report: (tweets: number) => void,
): Promise<void> {
  const db = new Database(path)
  db.exec(`${bulkPragmas} ${create};
    INSERT INTO tweets_search (tweets_search, rank) VALUES ('hashsize', 33554432), ('automerge', 0);
    BEGIN`)
  const rows = new Bulk(db, 'tweets_search (rowid, msg)')
  const text = textsOf(plan.seed)
  for (let id = 1; id <= plan.tweets; id++) {
    rows.add(id, text())
    if (id % chunk > 0) continue
    report(chunk)
    await turn() // what libSQL has let go of is only freed between turns
  }
  rows.flush()
  report(plan.tweets % chunk)
  db.exec("INSERT INTO tweets_search (tweets_search) VALUES ('optimize'); COMMIT")
  db.close()
}

/**
 * Takes over the finished index of tweets: its tables are plain ones, and the rows of the two files are the same. That of
 * people is made from their rows.
 */
export function takeSearch(db: Database.Database, path: string): void {
  db.prepare('ATTACH ? AS made').run([path])
  for (const part of ['data', 'idx', 'docsize']) {
    db.exec(`DELETE FROM main.tweets_search_${part};
      INSERT INTO main.tweets_search_${part} SELECT * FROM made.tweets_search_${part}`)
  }
  db.exec("DETACH made; INSERT INTO people_search (people_search) VALUES ('rebuild')")
}
