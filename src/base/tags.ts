// What is a tag, and which spellings are the same one. Whatever writes, links, searches or shows tags asks here.

/** The characters of a word, for a class with the flag v. */
export const word = '\\p{L}\\p{M}\\p{N}_'
/** A dot between letters (Catalan, Japanese), joiners, marks of Hebrew and Tibetan: a part of a word, but not its end. */
const inner = '\\u200c\\u200d\\u00b7\\u30fb\\u05be\\u05f3\\u05f4\\u0f0b'

/** A tag without its sign, for a regular expression with the flag v. */
export const tagPattern = `[\\p{L}\\p{N}_][${word}]*(?:[${inner}]+[${word}]+)*`
const whole = new RegExp(`^${tagPattern}$`, 'v')
const notInTags = new RegExp(`[^${word}${inner}]`, 'gv')
const endsInside = new RegExp(`[${inner}]+$`, 'v')

const codePointsMax = 50

/** Full case folding, but for the i without a dot, which Unicode folds to itself: upper case has no ß and no ς, lower case no ẞ. */
const folded = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\u0131]+/g, (part) => part.toUpperCase())
    .toLowerCase()
    .replaceAll('ς', 'σ')

/** Accents go where people leave them out; in other scripts such a mark is a part of the word. */
const withoutAccents = (text: string) =>
  text
    .normalize('NFD')
    .replace(
      /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]\p{M}*)[\u0300-\u036f]/gu,
      '',
    )

/**
 * What all spellings of a tag have in common: case, width and accents go. Undefined when this is no tag: it is to be one
 * word of 1 to 50 characters with a letter among them.
 */
export function tagKey(tag: string): string | undefined {
  if (!whole.test(tag)) return undefined
  // A letter of several words (ﷺ) becomes these words, and a tag has no blanks.
  const wide = withoutAccents(folded(tag.normalize('NFKC'))).normalize('NFKC')
  const key = wide.replace(notInTags, '_').replace(endsInside, '')
  return /\p{L}/u.test(key) && [...key].length <= codePointsMax ? key : undefined
}
