// The column at the right: tags that trend, and whom to follow. What everybody gets is read at most every 30 s in a process,
// in a trace of its own; the query of the session says whom of these the visitor follows. So no page asks more queries.
import { isNull, desc } from 'drizzle-orm'
import { createMiddleware } from 'hono/factory'

import { prepared, type Db } from '../db/db.ts'
import { users } from '../db/schema/index.ts'
import { together } from '../db/together.ts'
import { clientKind, type Env } from '../http/context.ts'
import type { Viewer } from '../http/sessions.ts'
import { errorFacts, log } from '../telemetry/log.ts'
import { inTrace } from '../telemetry/spans.ts'
import { traceWait } from '../telemetry/waiting.ts'
import { cachedFragment } from '../ui/fragment-cache.ts'
import { Face } from '../ui/icon.tsx'
import { FollowButton } from './follows/views.tsx'
import { readTrendingTags, TrendingTags, type TrendingTag } from './tags.tsx'

const everyMs = 30_000
/** So many of the most followed people are asked about; a few of them are shown. */
const peopleAsked = 12
const peopleShown = 3

const popularQuery = prepared((db: Db) =>
  db
    .select({ id: users.id, name: users.name, handle: users.handle })
    .from(users)
    .where(isNull(users.suspendedAt))
    .orderBy(desc(users.followerCount))
    .limit(peopleAsked)
    .prepare(),
)

type Popular = { id: number; name: string; handle: string }
type Known = { tags: TrendingTag[]; people: Popular[]; ids: string; version: number }

/** What one process knows of its database. */
class Discovery {
  known: Known | undefined
  #readAt = -Infinity
  #reading: Promise<void> | undefined

  /** Reads again in the background when it is time; only the first page waits. */
  refresh(db: Db): Promise<void> | undefined {
    if (performance.now() - this.#readAt >= everyMs) {
      this.#readAt = performance.now()
      this.#reading = inTrace('side_column.read', () => this.#read(db))
        .catch((error: unknown) => log.warn('side_column.read failed', errorFacts(error)))
        .finally(() => (this.#reading = undefined))
    }
    return this.known ? undefined : this.#reading
  }

  forget(id: number): void {
    if (this.known === undefined) return
    const people = this.known.people.filter((one) => one.id !== id)
    this.known = { ...this.known, people, version: this.known.version + 1 }
  }

  async #read(db: Db): Promise<void> {
    const [tags, people] = await together(db, () =>
      Promise.all([readTrendingTags(db, Date.now()), popularQuery(db).all()]),
    )
    const before = this.known
    const isSame =
      before !== undefined &&
      JSON.stringify([before.tags, before.people]) === JSON.stringify([tags, people])
    // A rendered list stays in use as long as it says the same.
    const version = before && isSame ? before.version : (before?.version ?? 0) + 1
    this.known = { tags, people, ids: JSON.stringify(people.map(({ id }) => id)), version }
  }
}

const discovery = prepared(() => new Discovery())

/** Suggests a deleted person to nobody any more; other processes do so within 30 s. */
export function forgetSuggested(db: Db, id: number): void {
  discovery(db).forget(id)
  WhoToFollow.forget(({ people }) => people.some((one) => one.id === id))
}

/** Prepares the column for a request that may be answered with a page. */
export const sideColumn = createMiddleware<Env>((c, next) => {
  if (clientKind(c) === 'partial') return next()
  // Not `c.var`, here and below: each use makes an object of all variables, 2 % of a page.
  const db = c.get('db')
  const here = discovery(db)
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD'
  const first = reads && here.refresh(db)
  const offer = () => {
    const { known } = here
    if (!known) return next()
    if (reads) c.set('askedPeople', known.ids)
    c.set('sideColumn', () => {
      const visitor = c.get('visitor')
      // There, the page itself suggests people to somebody who follows nobody.
      const isSuggesting = c.req.path === '/timeline' && visitor?.followingCount === 0
      // The page of a form that was not accepted: nobody asked whom its sender follows.
      const isUnasked = visitor !== undefined && c.get('askedPeople') === undefined
      return [
        known.tags.length > 0 && TrendingTags(known),
        !isSuggesting && !isUnasked && suggestions(known, visitor),
      ]
    })
    return next()
  }
  return first ? traceWait('side_column.wait', first).then(offer) : offer()
})

function suggestions({ people, version }: Known, visitor: Viewer | undefined) {
  const left = `,${visitor?.id},${visitor?.followed ?? ''},${visitor?.hidden ?? ''},`
  const shown: Popular[] = []
  for (const one of people)
    if (shown.length < peopleShown && !left.includes(`,${one.id},`)) shown.push(one)
  return shown.length === 0
    ? undefined
    : WhoToFollow({ people: shown, version, pressable: visitor !== undefined })
}

type Suggested = { people: Popular[]; version: number; pressable: boolean }

const WhoToFollow = cachedFragment(
  {
    keyOf: ({ people, version, pressable }: Suggested) =>
      `${version} ${pressable} ${people.map(({ id }) => id).join()}`,
  },
  ({ people, pressable }: Suggested) => (
    <section class='card who-to-follow' aria-label='Who to follow'>
      <h2>Who to follow</h2>
      {people.map(({ id, name, handle }) => (
        <div class='row'>
          <a href={`/@${handle}`} class='who'>
            <Face id={id} />
            <span>
              <bdi class='username'>{name}</bdi>
              <span class='handle'>@{handle}</span>
            </span>
          </a>
          {pressable && <FollowButton id={id} name={name} following={false} />}
        </div>
      ))}
    </section>
  ),
)
