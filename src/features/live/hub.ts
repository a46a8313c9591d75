// Who waits for new posts: one query for all open streams of this process, every 2 s, and only after a post.
import { counted } from '../../base/format.ts'
import { Refusal } from '../../base/refusal.ts'
import type { Db } from '../../db/db.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { endedSessions, sessionsEnded } from '../../http/session-ends.ts'
import { errorFacts, log } from '../../telemetry/log.ts'
import { annotate, inTrace, untraced } from '../../telemetry/spans.ts'
import { countedMax, missedSince, newestId, newFor } from './queries.ts'

const everyMs = 2000
/** How often it is looked for sessions that have ended elsewhere: by expiry, or in another process. */
const sessionsEveryMs = 15_000
/** Lookups of one query, viewers times posts: about 20 ms. Further posts are for the next one. */
const lookupsMax = 20_000
/** So many queries may the hub lag behind; then the oldest posts are left out of the numbers, not of the timeline. */
const lagMax = 15
/** A stream that is lost opens again after 1 to 15 s. */
const returns = { fromMs: 1000, withinMs: 14_000 }
const goldenRatio = 0.618033988749895

/** Streams of this process, and of one address. */
export type LiveLimits = { LIVE_STREAMS: number; LIVE_PER_ADDRESS: number }

/** One person at one page. */
export type Waiting = {
  viewer: number
  tokenHash: string
  address: string
  /** The newest row that the page shows. */
  after: number
  /** The new posts; beyond `countedMax`, one more. */
  posts: Set<number>
  told: number
  stream?: EventStream
}

/** The streams of one app. */
export class LiveHub {
  readonly #db: Db
  readonly #limits: LiveLimits
  readonly #waiting = new Set<Waiting>()
  readonly #addresses = new Map<string, number>()
  /** The last row that was looked at; undefined when nobody waits. */
  #upTo: Promise<number> | undefined
  #timer: NodeJS.Timeout | undefined
  #sessionsAt = 0
  #sessionsEnded = 0
  #turn = Math.random()

  constructor(db: Db, limits: LiveLimits) {
    this.#db = db
    this.#limits = limits
  }

  /** Takes a place, and counts what is newer than the page already. Call `leave` at the end, also after a failure. */
  async enter(who: Pick<Waiting, 'viewer' | 'tokenHash' | 'address' | 'after'>) {
    const here = this.#addresses.get(who.address) ?? 0
    if (this.#waiting.size >= this.#limits.LIVE_STREAMS || here >= this.#limits.LIVE_PER_ADDRESS)
      throw tooMany()
    const waiting: Waiting = { ...who, posts: new Set(), told: 0 }
    this.#waiting.add(waiting)
    this.#addresses.set(who.address, here + 1)
    try {
      // Before its own posts are counted: what is written between is found twice rather than never.
      await (this.#upTo ??= newestId(this.#db))
      for (const post of await missedSince(this.#db, who.viewer, who.after)) waiting.posts.add(post)
    } catch (error) {
      this.leave(waiting)
      throw error
    }
    this.#later()
    return waiting
  }

  leave(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return
    const left = this.#addresses.get(waiting.address)! - 1
    if (left > 0) this.#addresses.set(waiting.address, left)
    else this.#addresses.delete(waiting.address)
    if (this.#waiting.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#upTo = undefined
  }

  /** The stream is open: tells when to come back after it is lost, and the number so far. */
  begin(waiting: Waiting, stream: EventStream): void {
    waiting.stream = stream
    // Of numbers at random, many are close together by chance; multiples of the golden ratio never are.
    this.#turn = (this.#turn + goldenRatio) % 1
    stream.send(String(Math.round(returns.fromMs + returns.withinMs * this.#turn)), 'wait')
    tell(waiting, stream)
  }

  #later(): void {
    this.#timer ??= setTimeout(() => void this.#look(), everyMs).unref()
  }

  async #look(): Promise<void> {
    const timer = this.#timer
    try {
      await this.#lookForPosts()
      await untraced(() => this.#lookForEnds())
      // A reader that does not keep up gets the number later, or is cut off.
      for (const one of this.#waiting) if (one.stream && !one.stream.isBehind) tell(one, one.stream)
    } catch (error) {
      log.warn('live streams: the query failed', errorFacts(error))
    }
    // Nobody has waited meanwhile: then somebody else has started it again.
    if (this.#timer !== timer) return
    this.#timer = undefined
    if (this.#waiting.size > 0) this.#later()
  }

  async #lookForPosts(): Promise<void> {
    const began = this.#upTo
    const last = await began
    const newest = await untraced(() => newestId(this.#db))
    if (last === undefined || newest <= last || this.#waiting.size === 0) return
    const rowsMax = Math.max(1, Math.floor(lookupsMax / this.#waiting.size))
    const after = Math.max(last, newest - lagMax * rowsMax)
    const upTo = Math.min(newest, after + rowsMax)
    await inTrace('live.tell', async () => {
      const viewers = [...new Set([...this.#waiting].map(({ viewer }) => viewer))]
      const rows = await newFor(this.#db, viewers, after, upTo)
      const byViewer = new Map<number, typeof rows>(viewers.map((viewer) => [viewer, []]))
      for (const found of rows) byViewer.get(found.viewer)?.push(found)
      // The hub is up to 2 s behind: what it finds may be on the page already.
      for (const { viewer, posts, after: shown } of this.#waiting)
        for (const { row, post } of byViewer.get(viewer) ?? [])
          if (row > shown && posts.size <= countedMax) posts.add(post)
      annotate({ 'app.live.viewers': viewers.length, 'app.live.found': rows.length })
    })
    // Else everybody has left meanwhile.
    if (this.#upTo === began) this.#upTo = Promise.resolve(upTo)
  }

  /** Ends the streams of people who have signed out, or may not sign in any more. */
  async #lookForEnds(): Promise<void> {
    const now = performance.now()
    const { count } = sessionsEnded
    if (count === this.#sessionsEnded && now - this.#sessionsAt < sessionsEveryMs) return
    const hashes = [...new Set([...this.#waiting].map(({ tokenHash }) => tokenHash))]
    const ended = await endedSessions(this.#db, hashes)
    this.#sessionsEnded = count
    this.#sessionsAt = now
    for (const { tokenHash, stream } of this.#waiting)
      if (ended.has(tokenHash)) {
        stream?.send('', 'over')
        stream?.end()
      }
  }
}

/** Sends the number when it has changed. */
function tell(waiting: Waiting, stream: EventStream): void {
  const { size } = waiting.posts
  if (size === waiting.told) return
  waiting.told = size
  stream.send(size > countedMax ? `${countedMax}+ new posts` : counted(size, 'new post'))
}

const tooMany = () =>
  new Refusal(503, 'Too many pages wait for new posts. This one goes on without.', {
    code: 'too_many_streams',
    headers: { 'Retry-After': '60' },
  })
