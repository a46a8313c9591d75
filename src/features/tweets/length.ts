export const graphemesMax = 280
const codePointsMax = 4 * graphemesMax
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

const graphemes = (text: string) => [...segmenter.segment(text)].length

/** May a tweet be this long, as people see it? */
export function fits(msg: string): boolean {
  // Code points first: the segmenter takes seconds for a long text, and one grapheme can be endlessly long.
  const points = [...msg].length
  return points > 0 && points <= codePointsMax && graphemes(msg) <= graphemesMax
}

/** How many characters are left; of a very long text, only its beginning is counted. */
export const charactersLeft = (msg: string): number =>
  msg === '' ? graphemesMax : graphemesMax - graphemes(msg.slice(0, 2 * codePointsMax).trim())
