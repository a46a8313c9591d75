// Rendered fragments of HTML, cached as bytes. While a page is rendered, a placeholder stands for each; `encode`
// replaces it. Building and encoding a text of 30 KB takes longer than the query for the twenty tweets in it.
import { randomBytes } from 'node:crypto'

import { raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** Lookups of cached cards since the start, for the metric. */
export const cardLookups = { hits: 0, misses: 0 }

/** Says that a lookup must miss; set only while the fault lab has switched the cache off. */
export const cacheSwitch: { misses: (() => boolean) | undefined } = { misses: undefined }

/** The maximum number of fragments; the oldest are evicted first. About 25 MB. */
export const fragmentsKept = 8192
/** A fragment among the oldest 1024 is stored again when used: else later fragments of the same page could evict it. */
const reserve = 1024

type Fragment = {
  id: number
  placeholder: HtmlEscapedString
  bytes: Buffer<ArrayBuffer>
  forget: () => void
}
const fragments: (Fragment | undefined)[] = Array.from({ length: fragmentsKept })
let made = 0

// Placeholders begin with 128 random bits of this process. User input may contain control characters, but nobody can
// guess these bits, and they never leave the process: each placeholder is replaced before an answer is sent.
const opening = `\u0002${randomBytes(16).toString('base64url')}:`
const closing = '\u0003'

/** A text in rendered HTML that is replaced later. Nobody outside this process can forge it. */
export const placeholder = (name: string | number): string => opening + name + closing

type Caching<Props> = {
  /** The cache key; must be cheap to compute. One fragment is kept for each key. */
  keyOf: (props: Props) => string | number
  /** Do both props render the same HTML? Not needed if the key alone decides that. */
  isSame?: (one: Props, other: Props) => boolean
  counts?: typeof cardLookups
}

type CachedFragment<Props> = ((props: Props) => HtmlEscapedString) & {
  /** Drops the cached HTML of props for which `isGone` is true, after a deletion. */
  forget: (isGone: (props: Props) => boolean) => void
}

/**
 * Makes a component whose rendered HTML is cached and reused for equal props. It returns a placeholder, so the page
 * must be sent by `render`. Not for async components.
 */
export function cachedFragment<Props>(
  { keyOf, isSame, counts }: Caching<Props>,
  component: (props: Props) => HtmlEscapedString | Promise<HtmlEscapedString>,
): CachedFragment<Props> {
  const kept = new Map<string | number, { props: Props; fragment: Fragment }>()
  const fragmentOf = (props: Props) => {
    const key = keyOf(props)
    const known = kept.get(key)
    const isKept =
      known !== undefined &&
      (isSame === undefined || isSame(known.props, props)) &&
      cacheSwitch.misses?.() !== true
    if (counts) counts[isKept ? 'hits' : 'misses'] += 1
    if (isKept && made - known.fragment.id < fragmentsKept - reserve)
      return known.fragment.placeholder
    const bytes = isKept ? known.fragment.bytes : encode(component(props).toString())
    const fragment = keep(bytes, () => {
      if (kept.get(key)?.fragment === fragment) kept.delete(key)
    })
    if (known) drop(known.fragment)
    kept.set(key, { props, fragment })
    return fragment.placeholder
  }
  const forget = (isGone: (props: Props) => boolean) => {
    for (const { props, fragment } of kept.values()) {
      if (!isGone(props)) continue
      fragment.forget()
      drop(fragment)
    }
  }
  return Object.assign(fragmentOf, { forget })
}

const dropped: Fragment[] = []

/** Frees a fragment after the current event-loop callback: a page in progress may still contain its placeholder. */
function drop(fragment: Fragment): void {
  if (dropped.push(fragment) === 1) setImmediate(free)
}

function free(): void {
  for (const { id } of dropped.splice(0)) {
    const slot = id % fragmentsKept
    if (fragments[slot]?.id === id) fragments[slot] = undefined
  }
}

function keep(bytes: Buffer<ArrayBuffer>, forget: () => void): Fragment {
  const id = made++
  const slot = id % fragmentsKept
  fragments[slot]?.forget()
  return (fragments[slot] = { id, placeholder: raw(placeholder(id)), bytes, forget })
}

/** An ASCII text that is known only when all before it is encoded, and the greatest number of bytes that it can have. */
export type Late = { text: () => string; bytesMax: number }

const lateName = 'late'
/** Where the `Late` of a page stands. */
export const latePlaceholder = raw(placeholder(lateName))

/**
 * Encodes rendered HTML as UTF-8 and replaces each placeholder by its fragment, `latePlaceholder` by the text of `late`.
 * Throws if a fragment was evicted.
 */
export function encode(html: string, late?: Late): Buffer<ArrayBuffer> {
  if (!html.includes(opening)) return Buffer.from(html)
  const texts: string[] = []
  const kept: (Buffer | undefined)[] = []
  let size = 0
  let end = 0
  for (let start = html.indexOf(opening); start >= 0; start = html.indexOf(opening, end)) {
    texts.push(html.slice(end, start))
    end = html.indexOf(closing, start) + 1
    const name = html.slice(start + opening.length, end - closing.length)
    const bytes = name === lateName ? undefined : bytesOf(Number(name))
    kept.push(bytes)
    size += bytes?.length ?? late?.bytesMax ?? 0
  }
  texts.push(html.slice(end))
  const page = Buffer.allocUnsafe(size + Buffer.byteLength(html))
  let at = 0
  for (const [index, text] of texts.entries()) {
    at += page.write(text, at)
    if (index < kept.length)
      at +=
        kept[index]?.copy(page, at) ??
        (late ? page.write(late.text(), at, late.bytesMax, 'latin1') : 0)
  }
  return page.subarray(0, at)
}

function bytesOf(id: number): Buffer<ArrayBuffer> {
  const fragment = fragments[id % fragmentsKept]
  if (fragment?.id !== id)
    throw new Error('A cached fragment of HTML was evicted before its page was sent.')
  return fragment.bytes
}
