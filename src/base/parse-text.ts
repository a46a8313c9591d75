// What a tweet's text consists of. Whatever links, notifies or searches uses this one parser.
import { LinkifyIt } from 'linkify-it'

import { tagKey, tagPattern, word } from './tags.ts'

type Segment =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; url: URL }
  /** `handle` is in lower case, without the sign. */
  | { kind: 'mention'; text: string; handle: string }
  /** `tag` is in lower case and NFKC where that is a tag, too, without the sign; `key` is what its spellings have in common. */
  | { kind: 'tag'; text: string; tag: string; key: string }

const linkify = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false, urlAuth: true })

// These scripts put no spaces between words: a word can end after any letter.
const spaceless = ['Han', 'Hira', 'Kana', 'Thai', 'Laoo', 'Khmr', 'Mymr']
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('')

const scheme = '(?<![A-Za-z0-9+.\\-])[Hh][Tt][Tt][Pp][Ss]?:\\/\\/'
// Not in `ann@bob.example`, `@bob@other.example`, `other.example/@bob`: these are people of other places.
const mention =
  `(?<![[${word}@＠\\/]--[${spaceless}]])[@＠]([A-Za-z0-9_]{1,20})` +
  `(?![[${word}@＠]--[${spaceless}]]|\\.[A-Za-z0-9])`
const tag = `(?<![${word}&#＃])[#＃](${tagPattern})`
const candidates = new RegExp(`(${scheme})|${mention}|${tag}`, 'gv')

/** The parts of a text in their order; together they are the text. */
export function parseText(text: string): Segment[] {
  const segments: Segment[] = []
  let end = 0
  const add = (from: number, segment: Segment) => {
    if (from > end) segments.push({ kind: 'text', text: text.slice(end, from) })
    segments.push(segment)
    end = from + segment.text.length
  }
  candidates.lastIndex = 0
  for (let match = candidates.exec(text); match; match = candidates.exec(text)) {
    const [whole, begin, handle, found] = match
    const { index } = match
    if (begin !== undefined) {
      const link = linkAt(text, index, begin.length)
      if (link) add(index, link)
      // Nothing inside an address is a mention or a tag, not even inside a wrong one.
      candidates.lastIndex = link ? end : index + text.slice(index).search(/\s|$/)
    } else if (handle !== undefined) {
      add(index, { kind: 'mention', text: whole, handle: handle.toLowerCase() })
    } else if (found !== undefined) {
      const key = tagKey(found)
      const lower = found.normalize('NFKC').toLowerCase()
      const spelled = tagKey(lower) === key ? lower : key
      if (key !== undefined && spelled !== undefined)
        add(index, { kind: 'tag', text: whole, tag: spelled, key })
    }
  }
  if (end < text.length) segments.push({ kind: 'text', text: text.slice(end) })
  return segments
}

/** The tags of a text as they are spelled there, in lower case and NFKC, without their sign. */
export const tagsOf = (text: string): string[] =>
  parseText(text).flatMap((one) => (one.kind === 'tag' ? one.tag : []))

/** The handles that a text mentions and the keys of its tags, each once, in their order. */
export function foundIn(text: string): { handles: string[]; tags: string[] } {
  const segments = /[@＠#＃]/.test(text) ? parseText(text) : []
  const handles = segments.flatMap((one) => (one.kind === 'mention' ? one.handle : []))
  const tags = segments.flatMap((one) => (one.kind === 'tag' ? one.key : []))
  return { handles: [...new Set(handles)], tags: [...new Set(tags)] }
}

const hidden = /[[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]--\u200c--\u200d--[\ufe0e-\ufe0f]]/v

/** The address that begins at `index`. One with a user name in it is none: `https://bank.example@evil.example`. */
function linkAt(text: string, index: number, schemeLength: number): Segment | undefined {
  const colonEnd = index + schemeLength - '//'.length
  let found = text.slice(index, colonEnd + linkify.testSchemaAt(text, 'https:', colonEnd))
  const unseen = found.search(hidden)
  if (unseen >= 0) found = found.slice(0, unseen)
  found = found.slice(0, hostEnd(found, schemeLength)).replace(/[\u200c\u200d]+$/, '')
  // Markup around an address, as in *https://a.example*, is no part of it.
  const before = text.charAt(index - 1)
  if (/[*_~`'"|]/.test(before)) while (found.endsWith(before)) found = found.slice(0, -1)
  if (!URL.canParse(found)) return undefined
  const url = new URL(found)
  return url.username || url.password ? undefined : { kind: 'link', text: found, url }
}

/** Where an address has to end because its host does: no top level domain is half Latin and half another script. */
function hostEnd(address: string, schemeLength: number): number {
  const host = address.slice(schemeLength).split(/[/?#:]/, 1)[0]!
  const top = host.slice(host.lastIndexOf('.') + 1)
  const other = /^[A-Za-z]/.test(top) ? top.search(/[^\p{Script=Latin}\p{M}\p{N}-]/u) : -1
  return other < 0 ? address.length : schemeLength + host.length - top.length + other
}
