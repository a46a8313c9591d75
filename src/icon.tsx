import { asset } from './assets.ts'

const icons = asset('icons.svg')
const faces = asset('faces.svg')

/** One symbol of static/icons.svg; always beside words, so hidden from screen readers. */
export const Icon = ({ name }: { name: string }) => (
  <svg class='icon' aria-hidden='true'>
    <use href={`${icons}#${name}`} />
  </svg>
)

const motifs = 16
const colours = 12

/** A person's avatar: one of 192 birds on wires, the same for ever for the same id. */
export function Face({ id, large = false }: { id: number; large?: boolean }) {
  // A multiplication spreads neighbouring ids over motifs and colours (Knuth's constant for 32 bits).
  const spread = Math.imul(id, 2654435761) >>> 8
  return (
    <svg class={`face c${spread % colours}${large ? ' large' : ''}`} aria-hidden='true'>
      <use href={`${faces}#f${Math.floor(spread / colours) % motifs}`} />
    </svg>
  )
}
