// Template literals instead of JSX: they render faster, and a page has dozens of icons.

import { asset } from '../http/assets.ts'
import { html } from './html.ts'

const icons = asset('icons.svg')
const faces = asset('faces.svg')

/** A symbol of static/icons.svg by its name. Hidden from screen readers: each icon stands beside a text. */
export const Icon = ({ name }: { name: string }) =>
  html`<svg class="icon" aria-hidden="true"><use href="${icons}#${name}" /></svg>`

const motifs = 16
const colours = 12

// A multiplicative hash (Knuth's 32-bit constant) gives neighbouring ids different motifs and colours.
const spread = (id: number) => Math.imul(id, 2654435761) >>> 8

/** The avatar of the user `id`: one of 16 birds in one of 12 colours, always the same for the same id. */
export const Face = ({ id, large = false }: { id: number; large?: boolean }) => {
  const classes = `face c${spread(id) % colours}${large ? ' large' : ''}`
  const motif = Math.floor(spread(id) / colours) % motifs
  return html`<svg class="${classes}" aria-hidden="true"><use href="${faces}#f${motif}" /></svg>`
}

/** The picture above a profile (birds' wires), in the colour of the user's avatar. */
export const Banner = ({ id }: { id: number }) => {
  const classes = `banner c${spread(id) % colours}`
  return html`<svg class="${classes}" aria-hidden="true"><use href="${faces}#wires" /></svg>`
}
