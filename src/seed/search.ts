// The search index of a large world. It is half of the work, so a second thread builds it in a second file while the
// rows are written. Both threads generate the same texts from the seed, so no text is sent between them.
import { setImmediate as turn } from 'node:timers/promises'

import Database from 'libsql'

import { Bulk } from './bulk.ts'
import type { Plan } from './plan.ts'
import { textsOf } from './texts.ts'

const chunk = 5000

/** No journal and no fsync: the file of a failed build is deleted. */
export const bulkPragmas = `PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
  PRAGMA foreign_keys=OFF; PRAGMA cache_size=-65536;`

/** Builds the index in the file `path` with the statement `create`; reports the tweets added since the last report. */
export async function writeSearch(
  { path, create, plan }: { path: string; create: string; plan: Plan },
  report: (tweets: number) => void,
): Promise<void> {
  const db = new Database(path)
  db.exec(`${bulkPragmas} ${create};
    INSERT INTO tweets_search (tweets_search, rank) VALUES ('hashsize', 33554432), ('automerge', 0);
    BEGIN`)
  const rows = new Bulk(db, 'tweets_search (rowid, msg)')
  const text = textsOf(plan)
  for (let id = 1; id <= plan.tweets; id++) {
    rows.add(id, text())
    if (id % chunk > 0) continue
    report(chunk)
    await turn() // libSQL's memory is freed only when control returns to the event loop
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
