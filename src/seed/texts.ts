// The tweets of a large world: sentences of the demo town, each with a tag; a few tags are frequent.
import { people } from '../demo/people.ts'
import { random } from '../demo/random.ts'

const sentences = people.flatMap(({ tweets }) =>
  tweets
    .map((line) => (typeof line === 'string' ? line : line.text))
    .filter((one) => one.length <= 90),
)
const syllables =
  'ba ber bro cal dun el far gor hal ip ken lin mar nor ost pel rik sol tam ur'.split(' ')
const tagCount = 8000

/** The tag of a rank (0 is the most frequent): an invented word of three syllables. */
export const tagOf = (rank: number): string =>
  `#${syllables[rank % 20]}${syllables[Math.floor(rank / 20) % 20]}${syllables[Math.floor(rank / 400)]}`

/** Returns a function that gives the texts of a world one after the other; the same seed gives the same texts. */
export function textsOf(seed: number): () => string {
  const chance = random(seed ^ 0x7e875)
  return () => {
    const sentence = sentences[Math.floor(chance() * sentences.length)]!
    // The tag of rank r is in r^(-2/3) times as many tweets as the first.
    return `${sentence} ${tagOf(Math.floor(tagCount * chance() ** 3))}`
  }
}
