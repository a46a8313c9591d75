// Deletes accounts and tweets. What has many rows is hidden at once, by one batch that makes its row empty, and removed in
// slices beside the running app: docs/decisions/0044. A row in `deletions` says what is left to remove, also after a restart.
import { setTimeout as pause } from 'node:timers/promises'

import { sql, type SQL } from 'drizzle-orm'

import { shutdownSignal } from '../base/shutdown.ts'
import { log } from '../telemetry/log.ts'
import { annotate, inTrace } from '../telemetry/spans.ts'
import type { Database, Db } from './db.ts'
import { dependentsOf, type Dependent } from './dependents.ts'
import { fitting } from './search-build.ts'

/** Up to so many rows are deleted at once, within the request: about 20 ms. */
const atOnceMax = 200
const sliceMs = 8
/** Rows of a slice, which aims at `sliceMs`. A post costs more when the slice ends: the search index is written then. */
const rows = { min: 10, first: 50, max: 500 }
const posts = { ...rows, max: 200 }
/** A process that has taken a deletion says so with each slice. When it has said nothing for so long, another one goes on. */
const leaseMs = 10_000

// `raw`: names of tables and columns of ours, here and below.
const raw = sql.raw

/** What the JSON of a card's links begins with, where who passed it on has no name. */
const byNobody = /^\{"passer":\[\d+,"",/

/** Is this row of a list hidden, but not removed yet? Nobody has an empty name, and no post is empty. */
export const isGone = (row: {
  msg?: string | null
  name?: string
  linked?: string | null
}): boolean =>
  row.msg === '' || row.name === '' || (row.linked != null && byNobody.test(row.linked))

const countsOf = (name: 'tweets' | 'users', parents: SQL): SQL =>
  sql.join(
    dependentsOf(name).map(
      ({ table, column }) => sql`(select count(*) from (
        select 1 from ${raw(table)} where ${raw(column)} in (${parents}) limit ${atOnceMax + 1}))`,
    ),
    sql` + `,
  )

/** SQL: do so few rows go with this tweet that it can be deleted at once? False for one that is hidden already. */
export const isSmallTweet = (id: number): SQL =>
  sql`(retweet_of is null or retweet_of <> id) and ${countsOf('tweets', sql`${id}`)} <= ${atOnceMax}`

const isSmallUser = (id: number): SQL => {
  const some = sql`select id from tweets where user_id = ${id} limit ${atOnceMax + 1}`
  return sql`name <> '' and ${countsOf('users', sql`${id}`)} + ${countsOf('tweets', some)} <= ${atOnceMax}`
}

/** Hides a tweet: without words, in no timeline, as a retweet of itself. Its replies stay, as those of a deleted one. */
export async function hideTweet(db: Db, id: number): Promise<void> {
  const whole = sql`tweets where id = ${id} and retweet_of is null`
  await db.batch([
    // The author may have retweeted it: a second retweet by the same person cannot be.
    db.run(sql`delete from tweets where retweet_of = ${id} and retweet_of <> id
      and user_id = (select user_id from ${whole})`),
    // The triggers count a post when its row goes. This row is no post from now on.
    db.run(
      sql`update tweets set reply_count = reply_count - 1 where id = (select reply_to from ${whole})`,
    ),
    db.run(
      sql`update users set tweet_count = tweet_count - 1 where id = (select user_id from ${whole})`,
    ),
    db.run(
      sql`insert into deletions (kind, id) select 'tweet', id from ${whole} on conflict do nothing`,
    ),
    // What it told others; what it told its author goes in the background.
    db.run(sql`delete from mentions where tweet_id = (select id from ${whole})`),
    db.run(sql`delete from notifications where tweet_id = (select id from ${whole})
      and kind in ('reply', 'quote', 'mention')`),
    db.run(sql`update tweets set msg = '', key = null, reply_to = null, quote_of = null, in_timeline = 0,
      retweet_count = retweet_count + 1, retweet_of = id where id = ${id} and retweet_of is null`),
  ])
}

/** The handle of a hidden account: nobody can have it or ask for it. */
const hiddenHandle = (id: number) => `~${id}`

/** Deletes an account with all that it has. A large one is hidden; its sessions end, and its address is free at once. */
export async function deleteAccount(db: Db, id: number): Promise<void> {
  const small = sql`delete from users where id = ${id} and ${isSmallUser(id)} returning id`
  if ((await db.values(small)).length > 0) return
  const whole = sql`users where id = ${id} and name <> ''`
  await db.batch([
    db.run(
      sql`insert into retired_handles (handle) select handle from ${whole} on conflict do nothing`,
    ),
    db.run(sql`insert into retired_handles (handle) select handle from former_handles
      where user_id = ${id} on conflict do nothing`),
    db.run(
      sql`insert into deletions (kind, id) select 'user', id from ${whole} on conflict do nothing`,
    ),
    db.run(sql`update users set name = '', bio = '', handle = ${hiddenHandle(id)}, mailaddress = ${hiddenHandle(id)},
      password_hash = '', operator = 0, suspended_at = ${Date.now()} where id = ${id} and name <> ''`),
    // The trigger on the handle has added one.
    db.run(sql`delete from former_handles where user_id = ${id}`),
    db.run(sql`delete from sessions where user_id = ${id}`),
  ])
}

type Deletion = { kind: 'tweet' | 'user'; id: number }

/** Removes what is hidden, until nothing is left or the process is to end. `rest`: its pauses, in lengths of a slice. */
export async function removeDeleted({ patient }: Pick<Database, 'patient'>, rest = 1) {
  while (!shutdownSignal.aborted) {
    const taken = await take(patient)
    if (!taken) return
    const started = performance.now()
    const removal = new Removal(patient, taken, rest)
    if (!(await removal.run())) return
    const seconds = Math.round((performance.now() - started) / 100) / 10
    log.info('deletion finished', { kind: taken.kind, rows: removal.rows, seconds })
  }
}

/** Takes a deletion that nobody works on. A lease of the far future is of a process whose clock was wrong. */
async function take(db: Db): Promise<Deletion | undefined> {
  const now = Date.now()
  const free = sql`deletions where (taken_until < ${now} or taken_until > ${now + 2 * leaseMs})`
  const found = await db.values<[Deletion['kind'], number]>(
    sql`select kind, id from ${free} limit 1`,
  )
  if (!found[0]) return undefined
  const [kind, id] = [found[0][0], found[0][1]]
  const mine = await db.run(sql`update deletions set taken_until = ${now + leaseMs}
    where kind = ${kind} and id = ${id} and exists (select 1 from ${free} and kind = ${kind} and id = ${id})`)
  return mine.rowsAffected > 0 ? { kind, id } : undefined
}

class Removal {
  rows = 0
  readonly #db: Db
  readonly #what: Deletion
  readonly #rest: number
  /** For each table, because its rows have a price of their own. */
  readonly #sizes = new Map<string, number>()

  constructor(db: Db, what: Deletion, rest: number) {
    this.#db = db
    this.#what = what
    this.#rest = rest
  }

  /** True when all is gone; false when the process is to end first. */
  async run(): Promise<boolean> {
    const { kind, id } = this.#what
    const isDone = kind === 'tweet' ? await this.#dependents(sql`${id}`) : await this.#ofUser(id)
    if (!isDone) return false
    await this.#db.batch([
      kind === 'tweet'
        ? this.#db.run(sql`delete from tweets where id = ${id} and retweet_of = id`)
        : this.#db.run(sql`delete from users where id = ${id} and name = ''`),
      // A trigger retires the handle of each deleted account.
      this.#db.run(sql`delete from retired_handles where handle = ${hiddenHandle(id)}`),
      this.#db.run(sql`delete from deletions where kind = ${kind} and id = ${id}`),
    ])
    return true
  }

  /** Removes the rows that refer to these tweets. */
  async #dependents(tweets: SQL): Promise<boolean> {
    for (const one of dependentsOf('tweets')) if (!(await this.#drain(one, tweets))) return false
    return true
  }

  async #ofUser(id: number): Promise<boolean> {
    for (const one of dependentsOf('users'))
      if (one.table !== 'tweets' && !(await this.#drain(one, sql`${id}`))) return false
    while (!shutdownSignal.aborted) {
      const size = this.#sizeOf('posts')
      const some = sql`select id from tweets where user_id = ${id} order by id limit ${size}`
      if (!(await this.#dependents(some))) return false
      const removed = await this.#slice(
        'posts',
        () => sql`delete from tweets where id in (${some})`,
      )
      if (removed < size) return true
    }
    return false
  }

  async #drain({ table, column, keys }: Dependent, parents: SQL): Promise<boolean> {
    const key = raw(keys.join(', '))
    // A hidden tweet is a retweet of itself: it goes last.
    const others = column === 'retweet_of' ? sql`and retweet_of <> id` : sql``
    while (!shutdownSignal.aborted) {
      const size = this.#sizeOf(table)
      const removed = await this.#slice(
        table,
        () => sql`delete from ${raw(table)} where (${key}) in (select ${key} from ${raw(table)}
          where ${raw(column)} in (${parents}) ${others} limit ${size})`,
      )
      if (removed < size) return true
    }
    return false
  }

  #sizeOf = (name: string) => this.#sizes.get(name) ?? rows.first

  /** Runs one slice in a trace of its own, then lets others have their turn. Returns how many rows it has removed. */
  async #slice(name: string, statement: () => SQL): Promise<number> {
    const { kind, id } = this.#what
    const started = performance.now()
    const removed = await inTrace('deletions.remove', async () => {
      const [deleted] = await this.#db.batch([
        this.#db.run(statement()),
        this.#db.run(sql`update deletions set taken_until = ${Date.now() + leaseMs}
          where kind = ${kind} and id = ${id}`),
      ])
      annotate({ 'app.deletion.kind': kind, 'app.deletion.rows': deleted.rowsAffected })
      return deleted.rowsAffected
    })
    const ms = performance.now() - started
    if (removed > 0)
      this.#sizes.set(
        name,
        fitting(this.#sizeOf(name), ms, name === 'posts' ? posts : rows, sliceMs),
      )
    this.rows += removed
    await pause(ms * this.#rest)
    return removed
  }
}
