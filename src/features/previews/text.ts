import { parseText } from '../../base/parse-text.ts'
// The words of somebody else's page, as they may stand in a card.
import { isVisible, shorten, withoutInvisible } from '../../base/text.ts'

const urlLengthMax = 2000

/** The first address in a text; undefined without one, or when it is too long to be read. */
export function firstLink(text: string): URL | undefined {
  if (!text.includes('://')) return undefined
  for (const segment of parseText(text))
    if (segment.kind === 'link')
      return segment.url.href.length > urlLengthMax ? undefined : segment.url
  return undefined
}

/** What the cache and a request know of an address: a fragment is only for the browser. */
export function withoutFragment({ href }: URL): URL {
  const url = new URL(href)
  url.hash = ''
  return url
}

/** Marks that are stacked on one letter, and code points for each character that people see, on average. */
const stacked = /(\p{M}{6})\p{M}+/gu
const pointsMax = 3

/** In one line, of at most `max` characters; undefined if nothing of it could be seen. */
function inCard(text: string, max: number): string | undefined {
  // Of the spaces first: what is invisible is taken out without leaving a gap.
  const line = withoutInvisible(text.toWellFormed().normalize('NFC').replace(/\s+/g, ' '))
  const bounded = [...line.replace(stacked, '$1')].slice(0, max * pointsMax).join('')
  return isVisible(bounded) ? shorten(bounded, max) : undefined
}

const titleMax = 100
const descriptionMax = 200

export type Words = { title: string; description: string }

/** Title and description for a card; undefined if there is no title to be seen. */
export function wordsOf(page: { title: string; description: string | undefined }) {
  const title = inCard(page.title, titleMax)
  if (title === undefined) return undefined
  const description = inCard(page.description ?? '', descriptionMax) ?? ''
  return { title, description: description === title ? '' : description } satisfies Words
}
