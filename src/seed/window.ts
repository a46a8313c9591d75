// The newest tweets of a large world, as columns: a million objects would be work for the garbage collector, and the
// tweets that get likes and replies are anywhere in memory.

export type Tweet = {
  user: number
  msg: string
  at: number
  likes: number
  score: number
  replies: number
  retweets: number
  /** Ids from 1. */
  replyTo: number | null
  retweetOf: number | null
  inTimeline: boolean
}

/** Columns of `size` tweets. A place has the tweet whose index (from 0) is the place modulo `size`. */
export class Window {
  readonly size: number
  /** How many places have a tweet. */
  length = 0
  readonly msg: string[] = []
  readonly at: Float64Array
  readonly score: Float64Array
  readonly user: Uint32Array
  readonly likes: Uint32Array
  readonly replies: Uint32Array
  readonly retweets: Uint32Array
  /** How many users have been asked whether they like it. */
  readonly walked: Uint32Array
  /** An id from 1, or 0. */
  readonly replyTo: Uint32Array
  readonly retweetOf: Uint32Array
  readonly inTimeline: Uint8Array
  /** Who has retweeted what is at a place: nobody does so twice. */
  readonly #retweeters = new Map<number, Set<number>>()

  constructor(size: number) {
    const counts = () => new Uint32Array(size)
    this.size = size
    this.at = new Float64Array(size)
    this.score = new Float64Array(size)
    this.user = counts()
    this.likes = counts()
    this.replies = counts()
    this.retweets = counts()
    this.walked = counts()
    this.replyTo = counts()
    this.retweetOf = counts()
    this.inTimeline = new Uint8Array(size)
  }

  /** Puts a new tweet at a place; what was there before has to be read first. */
  put(place: number, { user, msg, at }: Pick<Tweet, 'user' | 'msg' | 'at'>): void {
    this.msg[place] = msg
    this.at[place] = at
    this.user[place] = user
    for (const counts of [this.score, this.likes, this.replies, this.retweets, this.walked])
      counts[place] = 0
    this.replyTo[place] = 0
    this.retweetOf[place] = 0
    this.inTimeline[place] = 1
    this.#retweeters.delete(place)
    this.length = Math.max(this.length, place + 1)
  }

  get(place: number): Tweet {
    return {
      user: this.user[place]!,
      msg: this.msg[place]!,
      at: this.at[place]!,
      likes: this.likes[place]!,
      score: this.score[place]!,
      replies: this.replies[place]!,
      retweets: this.retweets[place]!,
      replyTo: this.replyTo[place]! || null,
      retweetOf: this.retweetOf[place]! || null,
      inTimeline: this.inTimeline[place] === 1,
    }
  }

  /** Notes that a user retweets what is at a place; false if the user has done so before. */
  retweet(place: number, user: number): boolean {
    const users = this.#retweeters.get(place) ?? new Set()
    if (users.has(user)) return false
    this.#retweeters.set(place, users.add(user))
    this.retweets[place]! += 1
    return true
  }
}
