// Text as people see it: visible or not, counted in characters that they see, cut between words.

import { lazy } from './lazy.ts'

const graphemeSegmenter = lazy(() => new Intl.Segmenter('en', { granularity: 'grapheme' }))
const wordSegmenter = lazy(() => new Intl.Segmenter('en', { granularity: 'word' }))

/** How many characters (grapheme clusters) people see. Takes seconds for megabytes: bound the text first. */
export const countGraphemes = (text: string): number =>
  [...graphemeSegmenter().segment(text)].length

// Blank, although Unicode does not call them ignorable: the blank Braille pattern and the musical null notehead.
const blank = '\\u2800\\u{1D159}'
const seen = new RegExp(
  `[^\\p{Z}\\p{Cc}\\p{Cf}\\p{Cs}\\p{Default_Ignorable_Code_Point}\\s${blank}]`,
  'u',
)

/** Is there something to see in this text? */
export const isVisible = (text: string): boolean => seen.test(text)

// Scripts whose letters change their shape at a joiner: there it is a part of the spelling.
const joining = ['Arab', 'Syrc', 'Mong', 'Nkoo', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml']
  .concat(['Telu', 'Knda', 'Mlym', 'Sinh', 'Khmr', 'Mymr', 'Tibt'])
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('')
const emoji = '\\p{Extended_Pictographic}\\p{Emoji_Modifier}'
const kept = [
  `(?<=[${joining}])[\\u200c\\u200d](?=[${joining}])`,
  `(?<=[${emoji}\\ufe0f])\\u200d(?=\\p{Extended_Pictographic})`, // 👩‍🚀
  '(?<=\\p{Extended_Pictographic})[\\ufe0e\\ufe0f]|(?<=[0-9#*])\\ufe0f(?=\\u20e3)', // ❤️ and 1️⃣
  '(?<=\\p{Script=Han})[\\ufe00-\\ufe02\\u{E0100}-\\u{E01EF}]', // variants of a character
  '(?<=\\p{Script=Mongolian})[\\u180b-\\u180d\\u180f]',
  '(?<=\\u{1F3F4}[\\u{E0020}-\\u{E007E}]*)[\\u{E0020}-\\u{E007F}]', // flags of regions: 🏴󠁧󠁢󠁳󠁣󠁴󠁿
].join('|')
const unseen = new RegExp(
  `(${kept})|[\\p{Default_Ignorable_Code_Point}\\p{Cc}\\u2028\\u2029\\ufff9-\\ufffb]`,
  'gu',
)

/**
 * The text in one line, without what nobody sees and what changes the direction of others: two names that look alike
 * are alike. Joiners and variation selectors stay where they are a part of a word or an emoji.
 */
export const withoutInvisible = (text: string): string => text.replace(unseen, '$1').trim()

/** At most `max` characters that people see, the ellipsis included; cut between words, or in one that is very long. */
export function shorten(text: string, max: number): string {
  const graphemes = [...graphemeSegmenter().segment(text)]
  if (graphemes.length <= max) return text
  const most = graphemes[max - 1]!.index
  const word = wordSegmenter().segment(text).containing(most)!.index
  return `${text.slice(0, word > most / 2 ? word : most).trimEnd()}\u2026`
}
