// Writes a planned world into a new, migrated database. Triggers and indexes are dropped first and created at the end.
import { setImmediate as turn } from 'node:timers/promises'

import Database from 'libsql'

import { startNotifications } from '../db/notification-integrity.ts'
import { addressOf } from '../demo/accounts.ts'
import { Bulk } from './bulk.ts'
import { Found } from './found.ts'
import { followsOf, passwordHash, personOf } from './people.ts'
import type { Plan } from './plan.ts'
import { bulkPragmas } from './search.ts'
import { beginOf, epochOf, Tweets, type Sink } from './tweets.ts'

const day = 86_400_000
const tweetsAtOnce = 5000
const followsAtOnce = 100_000

/** The counters of each user, which the triggers would have kept. */
const newCounts = (users: number) => ({
  tweets: new Uint32Array(users),
  followers: new Uint32Array(users),
  following: new Uint32Array(users),
  favorites: new Uint32Array(users),
})
type Counts = ReturnType<typeof newCounts>

export type Build = { db: Database.Database; plan: Plan; signal: AbortSignal }
/** Receives the name of each step, and the number of tweets written since the last call. */
export type Report = { step: (name: string) => void; tweets: (count: number) => void }

/** Opens the file and drops triggers and indexes, which make each insert slower; `finish` creates them again. */
export function openBulk(path: string): { db: Database.Database; finish: () => void } {
  const db = new Database(path)
  db.exec(bulkPragmas)
  const dropped = db
    .prepare(
      `SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL
      ORDER BY type, rowid`,
    )
    .raw()
    .all([]) as [string, string, string][]
  db.exec('BEGIN')
  for (const [type, name] of dropped) db.exec(`DROP ${type} ${name}`)
  return {
    db,
    finish() {
      for (const [, , sql] of dropped) db.exec(sql)
      db.exec('COMMIT')
    },
  }
}

/** Writes everything except the search index; returns the number of likes written. */
export async function writeWorld(build: Build, report: Report): Promise<number> {
  const counts = newCounts(build.plan.users)
  report.step('follows')
  await writeFollows(build, counts)
  report.step('tweets')
  const likes = await writeTweets(build, counts, report)
  report.step('people')
  writeUsers(build, counts)
  build.db.prepare('UPDATE trends SET epoch = ?').run([epochOf(build.plan)])
  // A million likes would be a million rows that nobody reads.
  build.db.exec(startNotifications)
  return likes
}

async function writeFollows({ db, plan, signal }: Build, counts: Counts): Promise<void> {
  const rows = new Bulk(db, 'follows (follower_id, followed_id, created_at)')
  const from = plan.until - 70 * day
  const step = (beginOf(plan) - from) / Math.max(1, plan.follows)
  let written = 0
  for (const [follower, followed] of followsOf(plan)) {
    rows.add(follower + 1, followed + 1, Math.floor(from + step * written))
    counts.following[follower]! += 1
    counts.followers[followed]! += 1
    written += 1
    if (written % followsAtOnce === 0) await pause(signal)
  }
  rows.flush()
}

async function writeTweets({ db, plan, signal }: Build, counts: Counts, report: Report) {
  const tweets = new Bulk(
    db,
    `tweets (user_id, msg, created_at, like_count, trend_score,
      reply_to, retweet_of, in_timeline, reply_count, retweet_count)`,
  )
  const favorites = new Bulk(db, 'favorites (user_id, tweet_id, weight, created_at)')
  const found = new Found(db, plan.users)
  let likes = 0
  let id = 0
  const sink: Sink = {
    tweet(one) {
      const { user, replyTo, retweetOf, inTimeline } = one
      const links = [replyTo, retweetOf, Number(inTimeline), one.replies, one.retweets]
      tweets.add(user + 1, one.msg, one.at, one.likes, one.score, ...links)
      if (retweetOf === null) counts.tweets[user]! += 1
      id += 1
      found.add(id, one)
    },
    like({ user, tweet, at, weight }) {
      favorites.add(user + 1, tweet, weight, at)
      counts.favorites[user]! += 1
      likes += 1
    },
  }
  const world = new Tweets(plan)
  for (let written = 0; written < plan.tweets; written += tweetsAtOnce) {
    world.write(tweetsAtOnce, sink)
    report.tweets(Math.min(tweetsAtOnce, plan.tweets - written))
    await pause(signal)
  }
  tweets.flush()
  favorites.flush()
  found.flush()
  return likes
}

function writeUsers({ db, plan }: Build, counts: Counts): void {
  const rows = new Bulk(
    db,
    `users (name, handle, mailaddress, password_hash, bio, demo, created_at,
      tweet_count, follower_count, following_count, favorite_count)`,
  )
  for (let index = 0; index < plan.users; index++) {
    const { name, handle, bio } = personOf(index + 1)
    const counted = [counts.tweets, counts.followers, counts.following, counts.favorites]
    const who = [name, handle, addressOf(index + 1), passwordHash, bio, 1, plan.until - 70 * day]
    rows.add(...who, ...counted.map((kind) => kind[index]!))
  }
  rows.flush()
}

/** Returns to the event loop, so that messages of the thread and signals are handled; throws if aborted. */
async function pause(signal: AbortSignal): Promise<void> {
  await turn()
  signal.throwIfAborted()
}
