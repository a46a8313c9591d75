export const graphemesMax = 280
const codePointsMax = 4 * graphemesMax
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

const graphemes = (text: string) => [...segmenter.segment(text)].length

/** Does the text have 1 to 280 graphemes (characters as people see them), and at most 1120 code points? */
export function fits(msg: string): boolean {
  // Code points first: the segmenter takes seconds for a long text, and the length of a grapheme is not bounded.
  const points = [...msg].length
  return points > 0 && points <= codePointsMax && graphemes(msg) <= graphemesMax
}

/** The number of characters left; negative if the text is too long. Only the first 2240 UTF-16 units are counted. */
export const charactersLeft = (msg: string): number =>
  msg === '' ? graphemesMax : graphemesMax - graphemes(msg.slice(0, 2 * codePointsMax).trim())
