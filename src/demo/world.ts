// The demo world: the small town of Thistlemouth. It is deterministic; only its times depend on the first start.
import { hash } from '@node-rs/bcrypt'
import { sql } from 'drizzle-orm'

import { foundIn } from '../base/parse-text.ts'
import { random, type Random } from '../base/random.ts'
import { isConstraint, type Db } from '../db/db.ts'
import { writeUntold } from '../db/notification-integrity.ts'
import { tagsKept } from '../db/tag-build.ts'
import { likeWeight } from '../db/trend-score.ts'
import { addressOf, demoPassword } from './accounts.ts'
import { converse, type Tweet } from './conversation.ts'
import { people, type Line, type Person } from './people.ts'

const day = 86_400_000
const hour = 3_600_000
const minute = 60_000
const weeks = 5
const bookmarksEach = 3

/** Events that many people write about: days before the first start, and the hour (UTC) when they begin. */
const events: Record<string, [daysAgo: number, hour: number]> = {
  film: [25, 10],
  blackout: [20, 20.25],
  ferry: [16, 8.17],
  marrow: [12, 14],
  storm: [9, 21],
  bench: [8, 9.5],
  concert: [5, 19.5],
  comet: [3, 22.5],
  fog: [1, 7],
}

/**
 * Fills an empty database: 100 people, their tweets of five weeks, follows and likes. One transaction; `now` in ms. Of
 * several processes that do this at once on a server, one does it. Was it this one?
 */
export async function seedDemoWorld(db: Db, now: number): Promise<boolean> {
  const chance = random(1)
  const tweets = people.flatMap((person, index) =>
    person.tweets.map((line) => place(person, index + 1, line, { now, chance })),
  )
  tweets.sort((one, other) => one.at - other.at)
  const { posts, replies, retweets } = converse({ tweets, now })
  const ids = new Map(
    [...tweets, ...posts, ...replies, ...retweets]
      .sort((one, other) => one.at - other.at)
      .map((tweet, index) => [tweet, index + 1]),
  )
  const fame = people.map((_, index) => 1 / (1 + ((index * 37) % people.length)) ** 0.6)
  const passwordHash = await hash(demoPassword, { cost: 10 })
  const joined = now - 2 * weeks * 7 * day
  const followPairs = follows(fame, chance)
  const likeRows = [
    ...likes(tweets, fame, { now, chance }),
    ...likes(replies, fame, { now, chance: random(3) }),
    ...likes(posts, fame, { now, chance: random(7) }),
  ]
    .sort((one, other) => one[2] - other[2])
    .map(([user, tweet, at]): Row => [user, ids.get(tweet)!, at])
  const batch = db.batch([
    db.run(insertUsers(people, passwordHash, joined)),
    db.run(insertFollows(followPairs, joined)),
    db.run(insertTweets(ids)),
    db.run(insertTags(ids)),
    db.run(insertMentions(ids)),
    db.run(insertLikes(likeRows)),
    db.run(insertBookmarks(likeRows)),
    ...notifyInOrder(now).map((statement) => db.run(statement)),
  ])
  try {
    await batch
    return true
  } catch (error) {
    if (isConstraint(error, 'UNIQUE: users.mailaddress')) return false
    throw error
  }
}

const isInTimeline = ({ user, replyTo }: Tweet): boolean =>
  replyTo === undefined || (replyTo.user === user && isInTimeline(replyTo))

type Row = [number, number, number]
type Frame = { now: number; chance: Random }

/** Gives a text its time: that of its event, or a random waking hour of the last five weeks. */
function place(person: Person, user: number, line: Line, { now, chance }: Frame): Tweet {
  const midnight = Math.floor(now / day) * day
  const tweet = { user, msg: typeof line === 'string' ? line : line.text, charm: chance() ** 3 }
  if (typeof line !== 'string') {
    const [daysAgo, from] = events[line.on] ?? [0, 0]
    const start = line.on === 'pancakes' ? now - 3 * hour : midnight - daysAgo * day + from * hour
    return {
      ...tweet,
      at: Math.min(start + line.min * minute + chance() * minute, now - chance() * 20 * minute),
      charm: tweet.charm + 0.3,
    }
  }
  const [from, to] = person.hours
  const at =
    midnight - Math.floor(chance() * weeks * 7) * day + (from + chance() * (to - from)) * hour
  return { ...tweet, at: at > now ? at - day * Math.ceil((at - now) / day) : at }
}

/** Pairs of follower and followed. A few people have many followers (a power law); everybody follows somebody. */
function follows(fame: number[], chance: Random): [number, number][] {
  const pairs: [number, number][] = []
  for (let follower = 1; follower <= fame.length; follower++) {
    const keenness = 0.5 + 2.5 * chance() ** 2
    for (let followed = 1; followed <= fame.length; followed++) {
      if (follower !== followed && chance() < Math.min(0.95, fame[followed - 1]! * keenness))
        pairs.push([follower, followed])
    }
  }
  return pairs
}

/** User, tweet and time of each like. Charming tweets of well-known people get most likes; half of them within 3.5 hours. */
function likes(tweets: Tweet[], fame: number[], { now, chance }: Frame): [number, Tweet, number][] {
  const all: [number, Tweet, number][] = []
  for (const tweet of tweets) {
    const appeal = Math.min(0.6, tweet.charm * (0.04 + 0.5 * fame[tweet.user - 1]!))
    for (let user = 1; user <= people.length; user++) {
      if (user === tweet.user || chance() > appeal) continue
      const at = tweet.at - Math.log(1 - chance()) * 5 * hour
      if (at < now) all.push([user, tweet, Math.floor(at)])
    }
  }
  return all
}

const insertUsers = (all: Person[], passwordHash: string, joined: number) => {
  const rows = all.map(({ name, handle, bio }, index) => [
    name,
    handle,
    addressOf(index + 1),
    bio,
    joined + index * hour,
  ])
  return sql`insert into users (name, handle, mailaddress, bio, password_hash, demo, created_at)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, ${passwordHash}, 1, value ->> 4 from json_each(${JSON.stringify(rows)})`
}

const insertFollows = (pairs: [number, number][], at: number) =>
  sql`insert into follows (follower_id, followed_id, created_at)
    select value ->> 0, value ->> 1, ${at} from json_each(${JSON.stringify(pairs)})`

const insertTweets = (ids: Map<Tweet, number>) => {
  const rows = [...ids.keys()].map((tweet) => [
    tweet.user,
    tweet.msg,
    Math.floor(tweet.at),
    ...[tweet.replyTo, tweet.quoteOf, tweet.retweetOf].map((of) => (of ? ids.get(of) : null)),
    Number(isInTimeline(tweet)),
  ])
  return sql`insert into tweets (user_id, msg, created_at, reply_to, quote_of, retweet_of, in_timeline)
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
    from json_each(${JSON.stringify(rows)})`
}

/** The triggers have told of each follow, then of each reply, then of each like: tell of them as they happened. */
const notifyInOrder = (now: number) => [
  sql`delete from notifications`,
  sql.raw(writeUntold),
  // Who looks in finds news of the last day, not of five weeks.
  sql`update users set notifications_seen = coalesce((select max(id) from notifications n
    where n.user_id = users.id and n.created_at < ${now - day}), 0)`,
]

const insertTags = (ids: Map<Tweet, number>) => {
  const rows = [...ids].flatMap(([{ msg }, id]) => tagsKept(msg).map((tag) => [tag, id]))
  return sql`insert into tag_uses (tag, tweet_id, user_id, created_at)
    select value ->> 0, tweets.id, user_id, created_at from json_each(${JSON.stringify(rows)})
    cross join tweets on tweets.id = value ->> 1`
}

/** Nobody mentions more people than get a row. */
const insertMentions = (ids: Map<Tweet, number>) => {
  const rows = [...ids].flatMap(([{ msg }, id]) => foundIn(msg).handles.map((one) => [id, one]))
  return sql`insert into mentions (tweet_id, user_id)
    select tweets.id, users.id from json_each(${JSON.stringify(rows)})
    cross join tweets on tweets.id = value ->> 0
    cross join users on users.handle = value ->> 1 and users.id <> tweets.user_id`
}

/** One person in five keeps what they liked last. */
const insertBookmarks = (all: Row[]) => {
  const rows = people.flatMap((_, index) =>
    index % 5 === 2 ? all.filter(([user]) => user === index + 1).slice(-bookmarksEach) : [],
  )
  return sql`insert into bookmarks (user_id, tweet_id, created_at)
    select value ->> 0, value ->> 1, value ->> 2 from json_each(${JSON.stringify(rows)})`
}

const insertLikes = (all: Row[]) =>
  sql`insert into favorites (user_id, tweet_id, created_at, weight)
    select value ->> 0, value ->> 1, value ->> 2, ${likeWeight(sql`(value ->> 2)`)} from json_each(${JSON.stringify(all)})`
