import { random } from '../base/random.ts'
// The town talks: posts with its hashtags, quotes, replies and reposts. Each kind has a generator of its own, so that
// more of one leaves the others as they were.
import { people } from './people.ts'
import { posts, shares, threads, type Share } from './talk.ts'

const day = 86_400_000
const hour = 3_600_000
const minute = 60_000

/** Scripts rely on these ids: the first so many posts are neither replies nor reposts. */
const originals = 200

/** `charm` makes likes more probable. */
export type Tweet = {
  user: number
  msg: string
  at: number
  charm: number
  replyTo?: Tweet
  quoteOf?: Tweet
  retweetOf?: Tweet
}
/** Tweets in order of time, and the time of the first start in ms. */
export type World = { tweets: Tweet[]; now: number }

const numberOf = new Map(people.map(({ handle }, index) => [handle, index + 1]))

/** All that the people write to each other, after the posts in `tweets` that it refers to. */
export function converse({ tweets, now }: World): {
  posts: Tweet[]
  replies: Tweet[]
  retweets: Tweet[]
} {
  const more = morePosts(now)
  const world = { tweets: [...tweets, ...more], now }
  const from = tweets[originals - 1]!.at
  const quotes = quotesIn(world, from)
  return {
    posts: [...more, ...quotes],
    replies: repliesIn(world, from),
    retweets: retweetsIn(world, from),
  }
}

function morePosts(now: number): Tweet[] {
  const chance = random(4)
  const midnight = Math.floor(now / day) * day
  return posts.map(([by, daysAgo, at, msg]) => ({
    user: numberOf.get(by)!,
    msg,
    at: midnight - daysAgo * day + at * hour + chance() * minute,
    charm: chance() ** 3,
  }))
}

function repliesIn({ tweets, now }: World, from: number): Tweet[] {
  const chance = random(2)
  return threads.flatMap(([by, of, ...replies]) => {
    const begins = postOf(tweets, by, of)
    const start = Math.max(begins.at, from)
    const last = Math.max(...replies.map(([, min]) => min)) + 1
    // A thread that would last longer than until now is faster.
    const pace = Math.min(minute, (now - start) / last)
    const thread = [begins]
    for (const [author, min, msg, to = 0] of replies) {
      const at = start + (min + chance()) * pace
      thread.push({
        user: numberOf.get(author)!,
        msg,
        at,
        charm: chance() ** 3 / 2,
        replyTo: thread[to]!,
      })
    }
    return thread.slice(1)
  })
}

function quotesIn({ tweets, now }: World, from: number): Tweet[] {
  const chance = random(5)
  return sharesIn(tweets, from, (share, quoteOf, start) => {
    if (typeof share === 'string') return []
    const [by, min, msg] = share
    const at = start + Math.min(min * minute, (now - start) / 2) * (0.5 + chance() / 2)
    return [{ user: numberOf.get(by)!, msg, at, charm: chance() ** 3 / 2, quoteOf }]
  })
}

function retweetsIn({ tweets, now }: World, from: number): Tweet[] {
  const chance = random(6)
  return sharesIn(tweets, from, (share, retweetOf, start) => {
    if (typeof share !== 'string') return []
    const at = start + Math.min(-Math.log(1 - chance()) * 3 * hour, (now - start) * chance())
    return [{ user: numberOf.get(share)!, msg: '', at, charm: 0, retweetOf }]
  })
}

const sharesIn = (
  tweets: Tweet[],
  from: number,
  make: (share: Share, of: Tweet, start: number) => Tweet[],
): Tweet[] =>
  shares.flatMap(([by, of, ...all]) => {
    const post = postOf(tweets, by, of)
    return all.flatMap((share) => make(share, post, Math.max(post.at, from)))
  })

function postOf(tweets: Tweet[], by: string, of: string): Tweet {
  const user = numberOf.get(by)
  const found = tweets.find((tweet) => tweet.user === user && tweet.msg.startsWith(of))
  if (!found) throw new Error(`No post of ${by} begins with "${of}".`)
  return found
}
