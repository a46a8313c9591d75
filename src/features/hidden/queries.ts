// Muting and blocking: writing it, and what it is between two people.
import { and, desc, eq, ne, sql } from 'drizzle-orm'

import { prepared, type Db } from '../../db/db.ts'
import { listedUser } from '../../db/listed-user.ts'
import { hidden, users } from '../../db/schema/index.ts'
import type { Reader } from '../../http/sessions.ts'
import { followColumns } from '../follows/queries.ts'

export type Kind = 'mute' | 'block'
/** How the viewer and a person are hidden from one another. */
export type Hiding = { muted: boolean; blocked: boolean; blocksViewer: boolean }

const kindsOf = sql<string | null>`(select group_concat(hidden.kind) from hidden
  where hidden.viewer_id = ${sql.placeholder('viewer')} and hidden.author_id = users.id)`

const hidingFrom = (kinds: string | null | undefined): Hiding => {
  const all = kinds?.split(',') ?? []
  return {
    muted: all.includes('mute'),
    blocked: all.includes('block'),
    blocksViewer: all.includes('blocked'),
  }
}

const kindsQuery = prepared((db: Db) =>
  db.select({ kinds: kindsOf }).from(users).where(eq(users.id, listedUser)).prepare(),
)

/** What is between the reader of a page and a person, bound as `listedUser` has it. Who hides nobody needs no query. */
export async function readHiding(
  db: Db,
  { viewer, hiding }: Reader,
  { user, handle }: { user: number; handle: string },
): Promise<Hiding> {
  return hidingFrom(
    hiding ? (await kindsQuery(db).get({ viewer, user, handle }))?.kinds : undefined,
  )
}

const stateQuery = prepared((db: Db) =>
  db
    .select({
      id: users.id,
      name: users.name,
      handle: users.handle,
      kinds: kindsOf,
      suspendedAt: users.suspendedAt,
      ...followColumns,
      /** How many the viewer follows now. */
      viewerFollows: sql<number>`(select mine.following_count from users mine
        where mine.id = ${sql.placeholder('viewer')})`,
    })
    .from(users)
    .where(and(eq(users.id, sql.placeholder('id')), ne(users.name, '')))
    .prepare(),
)

/** What a page shows of a person after one of these actions; undefined if there is nobody. */
export async function hidingState(db: Db, viewer: number, id: number) {
  const row = await stateQuery(db).get({ viewer, id })
  return row && { ...row, ...hidingFrom(row.kinds) }
}

/** One statement. Triggers write the other side of a block and end follows (drizzle/0012). */
export async function hide(db: Db, viewer: number, id: number, kind: Kind): Promise<void> {
  await db.run(sql`insert into hidden (viewer_id, author_id, kind, created_at)
    select ${viewer}, id, ${kind}, ${Date.now()} from users where id = ${id} and name <> ''
    on conflict do nothing`)
}

export async function unhide(db: Db, viewer: number, id: number, kind: Kind): Promise<void> {
  await db
    .delete(hidden)
    .where(and(eq(hidden.viewerId, viewer), eq(hidden.authorId, id), eq(hidden.kind, kind)))
}

/** So many are listed; those before them can be found by their profiles. */
export const hiddenShown = 100

/** Whom a person has muted or blocked, newest first; one more than are shown. */
export const listHidden = (db: Db, viewer: number) =>
  db
    .select({ id: users.id, name: users.name, handle: users.handle, kind: hidden.kind })
    .from(hidden)
    .innerJoin(users, eq(users.id, hidden.authorId))
    // As the partial index has it.
    .where(and(eq(hidden.viewerId, viewer), sql`${hidden.kind} <> 'blocked'`, ne(users.name, '')))
    .orderBy(desc(hidden.id))
    .limit(hiddenShown + 1)

export type HiddenPerson = Awaited<ReturnType<typeof listHidden>>[number]
