import { random, type Random } from '../base/random.ts'
// Tweets and likes of a large world, in order of time. A tweet is written when nobody likes, answers or retweets it any more
// and its counters are final: each row is written once, and memory is bounded by the window of tweets that can still be liked.
import { weightAt } from '../db/trend-score.ts'
import { famous, strideOf } from './people.ts'
import type { Plan } from './plan.ts'
import { isReply, textsOf } from './texts.ts'
import { Window, type Tweet } from './window.ts'

const day = 86_400_000
const weeks = 5
/** The number of newest tweets that can get likes. */
const windowMax = 65_536
const attempts = 40

/** `user` is an index from 0, `tweet` an id from 1, `at` in ms. */
export type Like = { user: number; tweet: number; at: number; weight: number }
export type Sink = { tweet: (tweet: Tweet) => void; like: (like: Like) => void }

/** The epoch of the trend weights in ms, 40 days before the end, as the first migration chooses it. */
export const epochOf = ({ until }: Plan): number => until - 40 * day
/** The time of the first tweet in ms. */
export const beginOf = ({ until }: Plan): number => until - weeks * 7 * day

/** Generates the tweets and likes of a plan, block by block. */
export class Tweets {
  readonly #plan: Plan
  readonly #chance: Random
  readonly #text: () => string
  readonly #author: (rank: number) => number
  readonly #window: Window
  readonly #stride: number
  /** The probability that a user likes a tweet, by user. */
  readonly #keenness: Float32Array
  #written = 0
  #liked = 0

  constructor(plan: Plan) {
    this.#plan = plan
    this.#chance = random(plan.seed ^ 0x11e5)
    this.#text = textsOf(plan)
    this.#author = famous(plan.users)
    this.#stride = strideOf(plan.users, 0.7236)
    this.#window = new Window(Math.min(windowMax, 2 ** Math.ceil(Math.log2(plan.tweets + 1))))
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
    const { tweets, likes } = this.#plan
    for (
      const end = Math.min(tweets, this.#written + count);
      this.#written < end;
      this.#written++
    ) {
      const at = this.#moment()
      const place = this.#written % this.#window.size
      if (this.#written >= this.#window.size) sink.tweet(this.#window.get(place))
      this.#add(place, at)
      const due = Math.round((likes * (this.#written + 1)) / tweets) - this.#liked
      for (let turn = 0; turn < due; turn++) this.#like(at, sink)
    }
    if (this.#written === tweets) this.#finish(sink)
  }

  /** Adds the next tweet. A reply or a retweet counts for what it refers to. */
  #add(place: number, at: number): void {
    const user = this.#author(Math.floor(this.#plan.users * this.#chance() ** 2))
    const msg = this.#text()
    const recent = this.#window
    recent.put(place, { user, msg, at })
    if (msg === '') {
      const original = this.#target(place, (other) => recent.retweet(other, user))
      recent.retweetOf[place] = this.#indexAt(original) + 1
      recent.walked[place] = this.#plan.users // likes are for the original
    } else if (isReply(this.#written)) {
      const answered = this.#target(place, () => true)
      recent.replies[answered]! += 1
      recent.replyTo[place] = this.#indexAt(answered) + 1
      recent.inTimeline[place] = recent.user[answered] === user ? recent.inTimeline[answered]! : 0
    }
  }

  /** The place of a recent tweet with words that takes it; few tweets get most. There is always one. */
  #target(own: number, takes: (place: number) => boolean): number {
    const isRight = (place: number) =>
      place !== own && this.#window.msg[place] !== '' && takes(place)
    for (let attempt = 0; attempt < attempts; attempt++) {
      const place = this.#place()
      if (isRight(place)) return place
    }
    return this.#window.msg.findIndex((_, place) => isRight(place))
  }

  #finish(sink: Sink): void {
    // The likes that were due at the beginning, when there were too few tweets to take them.
    const { until, likes, users } = this.#plan
    for (let place = 0; place < this.#window.length; place++) {
      while (this.#liked < likes && this.#window.walked[place]! < users)
        this.#likeAt(place, until, sink)
    }
    const { size } = this.#window
    for (let index = Math.max(0, this.#written - size); index < this.#written; index++)
      sink.tweet(this.#window.get(index % size))
  }

  /** The time of the next tweet in ms. The rate follows a daily wave: people write more by day than by night. */
  #moment(): number {
    const part = (this.#written + this.#chance()) / this.#plan.tweets
    const turn = 2 * Math.PI * weeks * 7
    const waved = part - (0.8 * Math.sin(turn * part)) / turn
    return Math.floor(beginOf(this.#plan) + waved * weeks * 7 * day)
  }

  /** Gives a like to one of the newest tweets. */
  #like(at: number, sink: Sink): void {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (this.#likeAt(this.#place(), at, sink)) return
    }
  }

  /** The place of a recent tweet: that of rank r comes r^(-3/4) times as often as the first. */
  #place(): number {
    const rank = Math.floor(this.#window.size * this.#chance() ** 4)
    const place = (rank * 40_503) & (this.#window.size - 1)
    return place < this.#window.length ? place : Math.floor(this.#chance() * this.#window.length)
  }

  /** The index (from 0) of the tweet at a place of the window. */
  #indexAt(place: number): number {
    const newest = Math.min(this.#written, this.#plan.tweets - 1)
    return newest - ((newest - place) & (this.#window.size - 1))
  }

  /** Asks the next users until one likes this tweet. Each user is asked once, so nobody likes a tweet twice. */
  #likeAt(place: number, at: number, sink: Sink): boolean {
    const { walked, likes, score } = this.#window
    const { users } = this.#plan
    const index = this.#indexAt(place)
    while (walked[place]! < users) {
      const user = (index + walked[place]! * this.#stride) % users
      walked[place]! += 1
      if (this.#chance() > this.#keenness[user]!) continue
      const weight = weightAt(at, epochOf(this.#plan))
      likes[place]! += 1
      score[place]! += weight
      this.#liked += 1
      sink.like({ user, tweet: index + 1, at, weight })
      return true
    }
    return false
  }
}
