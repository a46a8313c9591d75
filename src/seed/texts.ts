import { random } from '../base/random.ts'
// What the tweets of a large world are and say: sentences of the demo town, each with a tag, some with a mention. A few tags
// and a few people are frequent.
import { people } from '../demo/people.ts'
import { famous, personOf } from './people.ts'
import type { Plan } from './plan.ts'

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

/** Of 25 tweets, 3 (12 %) are replies and 2 (8 %) retweets. The first ones are posts: there has to be something to answer. */
const round = 25
const replies = [4, 12, 22]
const retweets = [9, 20]

/** Is the tweet of this index (from 0) a reply? */
export const isReply = (index: number): boolean => replies.includes(index % round)

/** One text in so many mentions somebody. */
const mentionEvery = 8

/** Returns a function that gives the texts of a world one after the other, '' for a retweet; the same plan gives the same. */
export function textsOf({ seed, users }: Plan): () => string {
  const chance = random(seed ^ 0x7e875)
  const byFame = famous(users)
  let index = -1
  return () => {
    index += 1
    if (retweets.includes(index % round)) return ''
    const sentence = sentences[Math.floor(chance() * sentences.length)]!
    // The tag of rank r is in r^(-2/3) times as many tweets as the first; people are mentioned by the same law.
    const tag = tagOf(Math.floor(tagCount * chance() ** 3))
    if (index % mentionEvery > 0) return `${sentence} ${tag}`
    return `${sentence} @${personOf(byFame(Math.floor(users * chance() ** 3)) + 1).handle} ${tag}`
  }
}
