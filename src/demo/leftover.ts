import { and, count, eq, lte, sum } from 'drizzle-orm'

import type { Db } from '../db/db.ts'
import { users } from '../db/schema/index.ts'

/** Not counted in people.ts, which is 300 KB of JSON. */
const demoPeople = 100

/** How much of the demo world is in a database; undefined when none of its people is. */
export async function demoLeftover(db: Db): Promise<{ people: number; posts: number } | undefined> {
  const row = await db
    .select({ people: count(), posts: sum(users.tweetCount).mapWith(Number) })
    .from(users)
    // They are the first in a database, and there is no index: a million others must not be read for this.
    .where(and(lte(users.id, demoPeople), eq(users.demo, true)))
    .get()
  return row && row.people > 0 ? row : undefined
}
