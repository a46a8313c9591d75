// Reads the pages that posts link to, in the background: a post never waits for one.
import type { Db } from '../../db/db.ts'
import { AddressGuard } from '../../outbound/address-guard.ts'
import { Unfit, type Reason } from '../../outbound/unfit.ts'
import { measured } from '../../telemetry/metrics.ts'
import { annotate, inBackground } from '../../telemetry/spans.ts'
import { waited } from '../../telemetry/waiting.ts'
import { showPreviews } from './column.ts'
import { remember, remembered, showUnder } from './store.ts'
import { firstLink, withoutFragment, wordsOf, type Words } from './text.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Undefined with LINK_PREVIEWS=0. */
    previews: Previews | undefined
  }
}

/** Pages that are read at once, and links that wait. A link beyond that gets no preview. */
const previewLimits = { running: 4, waiting: 100 }

type Outcome = Reason | 'fetched' | 'remembered' | 'remembered_failure' | 'dropped' | 'failed'
/** `words` is undefined for an address that is remembered to have none. */
type Found = { words: Words | Reason | undefined; isRemembered: boolean }
type Parts = {
  db: Db
  guard: AddressGuard
  /** Aborted at shutdown: who waits is dropped, who reads is stopped. */
  stop: AbortSignal
}

/** The links of new posts that wait for a preview, and those whose pages are being read. */
export class Previews {
  readonly #parts: Parts
  readonly #waiting: ((isStopped: boolean) => void)[] = []
  /** By address: of two posts with the same link at once, the second waits for the first, also to see what is remembered. */
  readonly #finding = new Map<string, Promise<Found>>()
  #running = 0
  #open = 0
  #idle: (() => void)[] = []

  constructor(parts: Parts) {
    this.#parts = parts
    parts.stop.addEventListener('abort', () => {
      for (const leave of this.#waiting.splice(0)) leave(true)
    })
  }

  /** Looks for a preview of the first link in a new post. Returns at once. */
  add(tweetId: number, msg: string): void {
    const link = firstLink(msg)
    if (link === undefined) return
    this.#open += 1
    inBackground('previews.fetch', async () => {
      let outcome: Outcome = 'failed'
      try {
        outcome = await this.#inTurn(() => this.#preview(tweetId, link))
      } finally {
        annotate({ 'app.preview.outcome': outcome })
        measured().linkPreviews.add(1, { outcome })
        this.#open -= 1
        // Later, when the span has ended, too.
        if (this.#open === 0) for (const done of this.#idle.splice(0)) setImmediate(done)
      }
    })
  }

  /** Resolves when nothing waits and nothing is read. */
  async idle(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((done) => this.#idle.push(done))
  }

  async #inTurn(work: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#parts.stop.aborted) return 'stopped'
    if (this.#running >= previewLimits.running) {
      if (this.#waiting.length >= previewLimits.waiting) return 'dropped'
      const from = performance.now()
      const isStopped = await new Promise<boolean>((enter) => this.#waiting.push(enter))
      waited('preview_queue.wait', from, isStopped ? 'stopped' : undefined)
      if (isStopped) return 'stopped'
    } else this.#running += 1
    try {
      return await work()
    } finally {
      const enter = this.#waiting.shift()
      if (enter) enter(false) // takes over this place among the running
      else this.#running -= 1
    }
  }

  async #preview(tweetId: number, link: URL): Promise<Outcome> {
    const url = withoutFragment(link)
    const { words, isRemembered } = await this.#findOnce(url)
    if (words === undefined) return 'remembered_failure'
    if (typeof words === 'string') return words
    await showUnder(this.#parts.db, tweetId, { ...words, url: link.href })
    return isRemembered ? 'remembered' : 'fetched'
  }

  #findOnce(url: URL): Promise<Found> {
    const running = this.#finding.get(url.href)
    if (running) return running
    const finding = this.#find(url).finally(() => this.#finding.delete(url.href))
    this.#finding.set(url.href, finding)
    return finding
  }

  async #find(url: URL): Promise<Found> {
    const known = await remembered(this.#parts.db, url.href, Date.now())
    return known
      ? { words: known.words, isRemembered: true }
      : { words: await this.#read(url), isRemembered: false }
  }

  async #read(url: URL): Promise<Words | Reason> {
    const { db, guard, stop } = this.#parts
    // Loaded for the first preview: without LINK_PREVIEWS=1, no process has undici in its memory.
    const { fetchHead } = await import('../../outbound/fetch-page.ts')
    const found = await fetchHead(url, { guard, stop }).catch((error: unknown) => {
      if (error instanceof Unfit) return error.reason
      throw error
    })
    if (found === 'stopped') return found
    if (typeof found === 'object') annotate({ 'app.preview.hops': found.hops })
    const words = typeof found === 'object' ? wordsOf(found) : undefined
    await remember(db, { key: url.href, words, now: Date.now() })
    return words ?? (typeof found === 'string' ? found : 'no_title')
  }
}

type Wanted = {
  LINK_PREVIEWS: '0' | '1'
  links: ConstructorParameters<typeof AddressGuard>[0]
}

/** The previews of an app; undefined with LINK_PREVIEWS=0, and then its cards have none. */
export function previewsFor(
  { LINK_PREVIEWS, links }: Wanted,
  db: Db,
  stop: AbortSignal,
): Previews | undefined {
  if (LINK_PREVIEWS === '0') return undefined
  showPreviews(db)
  return new Previews({ db, guard: new AddressGuard(links), stop })
}
