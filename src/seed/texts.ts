// What the people of a large world write: the sentences of the demo town, with tags of which few are frequent.
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

/** The tag of a rank, the most frequent first: a made-up place of three syllables. */
export const tagOf = (rank: number): string =>
  `#${syllables[rank % 20]}${syllables[Math.floor(rank / 20) % 20]}${syllables[Math.floor(rank / 400)]}`

/** Gives the texts of a world one after the other; twice with the same seed, the same texts. */
export function textsOf(seed: number): () => string {
  const chance = random(seed ^ 0x7e875)
  return () => {
    const sentence = sentences[Math.floor(chance() * sentences.length)]!
    // The tag of rank r comes in r^(-2/3) as many tweets as the first.
    return `${sentence} ${tagOf(Math.floor(tagCount * chance() ** 3))}`
  }
}
