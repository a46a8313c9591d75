// What somebody types, made into a plan. It is quoted word by word: it is never syntax of the index.
import { foundIn, tagsOf } from '../../base/parse-text.ts'
import { tagKey } from '../../base/tags.ts'

/** How a search is carried out: all of it must fit. */
export type Plan = {
  /** For the index: quoted words; '' when there is none. */
  match: string
  /** Patterns of LIKE: emoji, and words of scripts without spaces. */
  pieces: string[]
  /** What only a look at the text tells: tags, and phrases that the index would take too long for. */
  checks: ((msg: string) => boolean)[]
  /** One of the checks is a tag: only texts with a # are looked at. */
  hasTag: boolean
}

const wordsMax = 12
/** The index is asked for so many: of eight that are nearly everywhere it would take 40 ms. */
const askedMax = 4
const piecesMax = 8

const spaceless =
  'Han Hiragana Katakana Bopomofo Yi Tangut Nushu Thai Lao Khmer Myanmar Tibetan Javanese Balinese Tai_Le New_Tai_Lue Tai_Tham Tai_Viet'
const scripts = spaceless.split(' ').map((script) => `\\p{Script=${script}}`)
const withoutSpaces = new RegExp(`[${scripts.join('')}]`, 'u')
/** Korean particles stand at the end of a word: the word is its beginning. */
const isKorean = (word: string) => /^\p{Script=Hangul}{2,}$/u.test(word)

const wordPattern = /[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{M}\p{Co}]*/gu
/** The tokenizer leaves accents out, and nothing else of a word. */
const wordsIn = (text: string): string[] => text.match(wordPattern) ?? []

const person = '\\p{Extended_Pictographic}\\ufe0f?\\p{Emoji_Modifier}?'
const symbolPattern = new RegExp(`\\p{RI}{2}|${person}(?:\\u200d${person})*|\\p{So}`, 'gu')
const symbolsIn = (text: string): string[] =>
  (text.match(symbolPattern) ?? []).map((symbol) => symbol.replace(/\ufe0f$/, ''))

/** A phrase in quotes of any kind, or what stands between blanks. */
const partPattern =
  /["＂]([^"＂]*)["＂]|[“„]([^“”„]*)[”“]|«([^«»]*)»|「([^「」]*)」|『([^『』]*)』|([^\s"＂“”„«»「」『』]+)/gu

const like = (text: string) => `%${text.replace(/[\\%_]/g, '\\$&')}%`

/** A word as the index compares it: without case and accents. */
const fold = (word: string) =>
  word
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll('ς', 'σ')
const foldedWords = (text: string) => ` ${wordsIn(text).map(fold).join(' ')} `

/** Does a text have each of these, words next to each other? */
function hasAll(phrases: string[]): (msg: string) => boolean {
  const folded = phrases.map(foldedWords)
  return (msg) => {
    const words = foldedWords(msg)
    return folded.every((phrase) => words.includes(phrase))
  }
}

const hasTag = (tag: string, isBeginning: boolean) => (msg: string) => {
  const key = tagKey(tag) ?? tag
  return foundIn(msg).tags.some((one) => (isBeginning ? one.startsWith(key) : one === key))
}

class Planner {
  /** What the index must find anyhow, and whole words, which may also be looked for in the text. */
  readonly #asked = new Set<string>()
  readonly #words = new Set<string>()
  readonly #pieces = new Set<string>()
  readonly #checks: Plan['checks'] = []
  #hasTag = false
  #hasPhrase = false

  addWord(word: string, isBeginning: boolean): void {
    if (isBeginning || isKorean(word)) this.#asked.add(`"${word}"*`)
    else this.#words.add(word)
  }

  addPiece(text: string): void {
    this.#pieces.add(like(text))
  }

  addSymbols(text: string): void {
    for (const symbol of symbolsIn(text)) this.addPiece(symbol)
  }

  addPhrase(phrase: string): void {
    const words = wordsIn(phrase)
    const isVerbatim = withoutSpaces.test(phrase) || symbolsIn(phrase).length > 0
    if (isVerbatim) this.addPiece(phrase.trim().replace(/\s+/g, ' '))
    // Two words that are nearly everywhere take the index 40 ms; of more it would take 200.
    if (!isVerbatim && words.length === 2 && words[0] !== words[1] && !this.#hasPhrase) {
      this.#hasPhrase = true
      this.#asked.add(`"${words.join(' ')}"`)
      return
    }
    for (const word of words) if (!withoutSpaces.test(word)) this.#words.add(word)
    if (!isVerbatim && words.length > 1) this.#checks.push(hasAll([words.join(' ')]))
  }

  addTag(tag: string, isBeginning: boolean): void {
    this.#hasTag = true
    this.#checks.push(hasTag(tag, isBeginning))
    const words = wordsIn(tag)
    // A tag is whole words of the index, whatever its script.
    for (const [index, word] of words.entries())
      if (isBeginning && index === words.length - 1) this.#asked.add(`"${word}"*`)
      else this.#words.add(word)
  }

  /** Signs alone: any of them may be looked for. */
  addSigns(text: string): void {
    if (this.#asked.size + this.#words.size + this.#pieces.size > 0) return
    for (const signs of text.replace(/["＂“”„«»「」『』]/g, ' ').split(/\s+/))
      if (signs !== '') this.addPiece(signs)
  }

  plan(): Plan | undefined {
    // The longest words are the rarest.
    const words = [...this.#words].slice(0, wordsMax).toSorted((a, b) => b.length - a.length)
    const asked = words.splice(0, askedMax).map((word) => `"${word}"`)
    const match = [...asked, ...[...this.#asked].slice(0, askedMax)].join(' ')
    const pieces = [...this.#pieces].slice(0, piecesMax)
    if (match === '' && pieces.length === 0) return undefined
    const checks = words.length > 0 ? [...this.#checks, hasAll(words)] : this.#checks
    return { match, pieces, checks, hasTag: this.#hasTag }
  }
}

/**
 * Makes a plan of what somebody typed; undefined when there is nothing to look for. While they are `typing`, the last word
 * may be the beginning of one.
 */
export function planSearch(typed: string, { typing = false } = {}): Plan | undefined {
  const planner = new Planner()
  for (const part of typed.matchAll(partPattern)) {
    const [whole, ...groups] = part
    const chunk = groups.at(5)
    if (chunk === undefined) {
      planner.addPhrase(groups.find((phrase) => phrase !== undefined) ?? '')
      continue
    }
    const isLast = typing && part.index + whole.length === typed.length
    const endsIn = (text: string) => isLast && chunk.endsWith(text)
    const tags = tagsOf(chunk)
    let rest = chunk
    for (const tag of tags) {
      rest = rest.replace(`#${tag}`, ' ').replace(`＃${tag}`, ' ')
      planner.addTag(tag, endsIn(tag))
    }
    if (withoutSpaces.test(rest)) {
      for (const piece of rest.split(' ')) if (piece !== '') planner.addPiece(piece)
      continue
    }
    const words = wordsIn(rest)
    for (const [index, word] of words.entries()) {
      const isLong = [...word].length >= 2 // a single letter has no index of beginnings
      planner.addWord(word, isLong && index === words.length - 1 && endsIn(word))
    }
    planner.addSymbols(rest)
  }
  planner.addSigns(typed)
  return planner.plan()
}

/** How people are looked for. */
export type PeoplePlan = { match: string; pieces: string[]; handle: string }

/** People are found by the beginnings of the words in their names and handles; undefined: nobody is looked for. */
export function planPeople(typed: string): PeoplePlan | undefined {
  if (tagsOf(typed).length > 0) return undefined
  const words = wordsIn(typed)
  const quoted = words.filter((word) => !withoutSpaces.test(word)).map((word) => `"${word}"*`)
  const others = words.filter((word) => withoutSpaces.test(word))
  const pieces = [...new Set([...others, ...symbolsIn(typed)].map(like))].slice(0, piecesMax)
  if (quoted.length + pieces.length === 0) return undefined
  const match = [...new Set(quoted)].slice(0, wordsMax / 2).join(' ')
  return { match, pieces, handle: typed.replace(/^@/, '').toLowerCase() }
}
