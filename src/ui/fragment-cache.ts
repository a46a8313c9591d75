// Fragments of HTML, rendered and kept as bytes. In a page a placeholder stands for each until the page is put together:
// building and encoding one text of 30 KB costs more than reading the twenty tweets in it.
import { randomBytes } from 'node:crypto'

import { raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** Looks for a kept card so far, for the metric. */
export const cardLookups = { hits: 0, misses: 0 }

/** How many fragments there are at most, the oldest go first: some 25 MB. */
export const fragmentsKept = 8192
/** A fragment this close to its end is kept anew: else other fragments of the page that wants it could take its place. */
const reserve = 1024

type Fragment = {
  id: number
  placeholder: HtmlEscapedString
  bytes: Buffer<ArrayBuffer>
  forget: () => void
}
const fragments: (Fragment | undefined)[] = Array.from({ length: fragmentsKept })
let made = 0

// 128 random bits of this process: whatever a person sends may hold control characters, but it cannot hold these. They
// never leave the process, because each placeholder is replaced before an answer goes out.
const opening = `\u0002${randomBytes(16).toString('base64url')}:`
const closing = '\u0003'

/** A text that stands in rendered HTML for what is put in later. Nobody outside of this process can write it. */
export const placeholder = (name: string | number): string => opening + name + closing

type Caching<Props> = {
  /** What most often tells two fragments apart, cheap to make. */
  keyOf: (props: Props) => string | number
  /** Is everything shown the same? Not needed where the key says it all. */
  isSame?: (one: Props, other: Props) => boolean
  counts?: typeof cardLookups
}

type CachedFragment<Props> = ((props: Props) => HtmlEscapedString) & {
  /** Drops what is kept for props that `isGone` names: the HTML of what has been deleted. */
  forget: (isGone: (props: Props) => boolean) => void
}

/**
 * A component whose rendered HTML is kept for props that show the same. What it gives has to be answered by `render`.
 * Not for async components.
 */
export function cachedFragment<Props>(
  { keyOf, isSame, counts }: Caching<Props>,
  component: (props: Props) => HtmlEscapedString | Promise<HtmlEscapedString>,
): CachedFragment<Props> {
  const kept = new Map<string | number, { props: Props; fragment: Fragment }>()
  const fragmentOf = (props: Props) => {
    const key = keyOf(props)
    const known = kept.get(key)
    const isKept = known !== undefined && (isSame === undefined || isSame(known.props, props))
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

/** Frees a fragment at the end of this turn of the event loop: a page that is being put together may hold its placeholder. */
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

/** Rendered HTML as UTF-8, with the kept fragments in the places of their placeholders. */
export function encode(html: string): Buffer<ArrayBuffer> {
  if (!html.includes(opening)) return Buffer.from(html)
  const texts: string[] = []
  const kept: Buffer[] = []
  let size = 0
  let end = 0
  for (let start = html.indexOf(opening); start >= 0; start = html.indexOf(opening, end)) {
    texts.push(html.slice(end, start))
    end = html.indexOf(closing, start) + 1
    const bytes = bytesOf(Number(html.slice(start + opening.length, end - closing.length)))
    kept.push(bytes)
    size += bytes.length
  }
  texts.push(html.slice(end))
  const page = Buffer.allocUnsafe(size + Buffer.byteLength(html))
  let at = 0
  for (const [index, text] of texts.entries()) {
    at += page.write(text, at)
    at += kept[index]?.copy(page, at) ?? 0
  }
  return page.subarray(0, at)
}

function bytesOf(id: number): Buffer<ArrayBuffer> {
  const fragment = fragments[id % fragmentsKept]
  if (fragment?.id !== id)
    throw new Error('A kept fragment of HTML was forgotten before its page was sent.')
  return fragment.bytes
}
