import { countGraphemes, isVisible } from '../../base/text.ts'

export const graphemesMax = 280
// One grapheme can be endlessly long.
const codePointsPerGrapheme = 4
const codePointsMax = codePointsPerGrapheme * graphemesMax
/** Of a longer text, only the beginning is counted: the segmenter takes seconds for a megabyte. */
const countedMax = 20_000

/** What programs of the original look for. */
export const tooLong = `Tweet must be between 1 and ${graphemesMax} characters`

/** A tweet as it is kept: no blank lines around it, no blanks at its end. The first line's indentation stays. */
export const trimmed = (msg: string): string => msg.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd()

/** Which rule a trimmed tweet breaks; undefined when it is right. */
export function lengthProblem(msg: string): string | undefined {
  if (msg === '' || countGraphemes(msg.slice(0, countedMax)) > graphemesMax) return tooLong
  if (!isVisible(msg)) return 'There is nothing to see in this post.'
  const points = [...msg].length
  if (points > codePointsMax)
    return `Each character here is made of several: together ${points}, and a post holds ${codePointsMax}.`
  return undefined
}

/** How many characters are left, counted as above. */
export function charactersLeft(msg: string): number {
  const text = trimmed(msg.slice(0, countedMax))
  return Math.min(
    graphemesMax - countGraphemes(text),
    Math.floor((codePointsMax - [...text].length) / codePointsPerGrapheme),
  )
}
