// Tweets and likes of a large world, in order of time. A tweet is written when it gets no more likes and its counters
// are final: each row is written once, and memory is bounded by the window of tweets that can still be liked.
import { weightAt } from '../db/trend-score.ts'
import { random, type Random } from '../demo/random.ts'
import { famous, strideOf } from './people.ts'
import type { Plan } from './plan.ts'
import { textsOf } from './texts.ts'

const day = 86_400_000
const weeks = 5
/** The number of newest tweets that can get likes. */
const windowMax = 65_536
const attempts = 40

export type Tweet = { user: number; msg: string; at: number; likes: number; score: number }
/** `user` is an index from 0, `tweet` an id from 1, `at` in ms. */
export type Like = { user: number; tweet: number; at: number; weight: number }
export type Sink = { tweet: (tweet: Tweet) => void; like: (like: Like) => void }

/** The epoch of the trend weights in ms, 40 days before the end, as the first migration chooses it. */
export const epochOf = ({ until }: Plan): number => until - 40 * day
/** The time of the first tweet in ms. */
export const beginOf = ({ until }: Plan): number => until - weeks * 7 * day

type Liked = Tweet & {
  /** How many users have been asked whether they like it. */
  walked: number
}

/** Generates the tweets and likes of a plan, block by block. */
export class Tweets {
  readonly #plan: Plan
  readonly #chance: Random
  readonly #text: () => string
  readonly #author: (rank: number) => number
  readonly #window: Liked[] = []
  readonly #size: number
  readonly #stride: number
  /** The probability that a user likes a tweet, by user. */
  readonly #keenness: Float32Array
  #written = 0
  #liked = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.#chance = random(plan.seed ^ 0x11e5)
    this.#text = textsOf(plan.seed)
    this.#author = famous(plan.users)
    this.#stride = strideOf(plan.users, 0.7236)
    this.#size = Math.min(windowMax, 2 ** Math.ceil(Math.log2(plan.tweets + 1)))
    this.#keenness = new Float32Array(plan.users)
    const spread = strideOf(plan.users, 0.5)
    for (let rank = 0; rank < plan.users; rank++)
      this.#keenness[(rank * spread) % plan.users] = Math.max(
        0.1,
        0.1 / Math.sqrt((rank + 1) / plan.users),
      )
  }

  /** Generates the next `count` tweets, and the likes of the same period. */
  write(count: number, sink: Sink): void {
    const { tweets, users, likes } = this.#plan
    for (
      const end = Math.min(tweets, this.#written + count);
      this.#written < end;
      this.#written++
    ) {
      const at = this.#moment()
      const place = this.#written % this.#size
      const old = this.#window[place]
      if (old) sink.tweet(old)
      const user = this.#author(Math.floor(users * this.#chance() ** 2))
      this.#window[place] = { user, msg: this.#text(), at, likes: 0, score: 0, walked: 0 }
      const due = Math.round((likes * (this.#written + 1)) / tweets) - this.#liked
      for (let turn = 0; turn < due; turn++) this.#like(at, sink)
    }
    if (this.#written === tweets) this.#finish(sink)
  }

  #finish(sink: Sink): void {
    // The likes that were due at the beginning, when there were too few tweets to take them.
    const { until, likes, users } = this.#plan
    this.#window.forEach((_, place) => {
      while (this.#liked < likes && this.#window[place]!.walked < users)
        this.#likeAt(place, until, sink)
    })
    const first = Math.max(0, this.#written - this.#size)
    for (let index = first; index < this.#written; index++)
      sink.tweet(this.#window[index % this.#size]!)
    this.#window.length = 0
  }

  /** The time of the next tweet in ms. The rate follows a daily wave: people write more by day than by night. */
  #moment(): number {
    const part = (this.#written + this.#chance()) / this.#plan.tweets
    const turn = 2 * Math.PI * weeks * 7
    const waved = part - (0.8 * Math.sin(turn * part)) / turn
    return Math.floor(beginOf(this.#plan) + waved * weeks * 7 * day)
  }

  /** Gives a like to one of the newest tweets: the tweet of rank r gets r^(-3/4) times as many as the first. */
  #like(at: number, sink: Sink): void {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const rank = Math.floor(this.#size * this.#chance() ** 4)
      const place = (rank * 40_503) & (this.#size - 1)
      const there = place < this.#window.length
      if (this.#likeAt(there ? place : Math.floor(this.#chance() * this.#window.length), at, sink))
        return
    }
  }

  /** Asks the next users until one likes this tweet. Each user is asked once, so nobody likes a tweet twice. */
  #likeAt(place: number, at: number, sink: Sink): boolean {
    const tweet = this.#window[place]!
    const { users, tweets } = this.#plan
    const newest = Math.min(this.#written, tweets - 1)
    const index = newest - ((newest - place) & (this.#size - 1))
    for (; tweet.walked < users; tweet.walked++) {
      const user = (index + tweet.walked * this.#stride) % users
      if (this.#chance() > this.#keenness[user]!) continue
      const weight = weightAt(at, epochOf(this.#plan))
      tweet.walked += 1
      tweet.likes += 1
      tweet.score += weight
      this.#liked += 1
      sink.like({ user, tweet: index + 1, at, weight })
      return true
    }
    return false
  }
}
