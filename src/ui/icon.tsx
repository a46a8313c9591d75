// Tagged texts and not JSX: an svg of JSX costs more than a line of text, and a page has dozens.
import { html } from 'hono/html'

import { asset } from '../http/assets.ts'

const icons = asset('icons.svg')
const faces = asset('faces.svg')

/** One symbol of static/icons.svg; always beside words, so hidden from screen readers. */
export const Icon = ({ name }: { name: string }) =>
  html`<svg class="icon" aria-hidden="true"><use href="${icons}#${name}" /></svg>`

const motifs = 16
const colours = 12

// A multiplication spreads neighbouring ids over motifs and colours (Knuth's constant for 32 bits).
const spread = (id: number) => Math.imul(id, 2654435761) >>> 8

/** A person's avatar: one of 16 birds in one of 12 colours, the same for ever for the same id. */
export const Face = ({ id, large = false }: { id: number; large?: boolean }) => {
  const classes = `face c${spread(id) % colours}${large ? ' large' : ''}`
  const motif = Math.floor(spread(id) / colours) % motifs
  return html`<svg class="${classes}" aria-hidden="true"><use href="${faces}#f${motif}" /></svg>`
}

/** The wires over a person's page, in the colour of their bird. */
export const Banner = ({ id }: { id: number }) => {
  const classes = `banner c${spread(id) % colours}`
  return html`<svg class="${classes}" aria-hidden="true"><use href="${faces}#wires" /></svg>`
}
