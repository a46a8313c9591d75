import { random } from '../base/random.ts'
// The people of a large world: the hundred of the demo town, then people whose names are combined from theirs.
import { handleOf, numbered } from '../db/handles.ts'
import { people } from '../demo/people.ts'
import type { Plan } from './plan.ts'

const firsts = people.map(({ name }) => name.split(' ')[0]!)
const lasts = people.map(({ name }) => name.split(' ').at(-1)!)

/**
 * The hash of "password123" (bcrypt, cost 10) for all accounts. A constant: the same plan gives the same file, and
 * hashing for a million accounts would take a day.
 */
export const passwordHash = '$2b$10$Pw5LiZMArlrnqKUs72V1pOi9TA3oWMHHz5ZZLGu7trsPQjd0Jf/Tq'

/** Name, handle and bio of an id. Names contain no digits, so the id at the end of a handle makes it unique. */
export function personOf(id: number): { name: string; handle: string; bio: string } {
  const known = people[id - 1]
  if (known) return known
  const name = `${firsts[id % firsts.length]!} ${lasts[Math.floor(id / firsts.length) % lasts.length]!}`
  const handle = handleOf(name)
  return { name, handle: handle === undefined ? `u${id}` : numbered(handle, id), bio: '' }
}

/** A step near `count * share` that is coprime to `count`: its multiples modulo `count` visit each index once. */
export function strideOf(count: number, share: number): number {
  const divisor = (one: number, other: number): number =>
    other === 0 ? one : divisor(other, one % other)
  let stride = Math.max(1, Math.floor(count * share))
  while (divisor(count, stride) !== 1) stride += 1
  return stride
}

/** Maps a rank of fame to a user index (from 0). Tweets use the same ranks: who is followed most writes most. */
export const famous = (users: number): ((rank: number) => number) => {
  const stride = strideOf(users, 0.618)
  return (rank) => (rank * stride) % users
}

/**
 * All follows as pairs of user indexes, grouped by follower: few follow thousands, few are followed by thousands (power
 * laws). Each count is the difference of two rounded cumulative sums, so the total is exactly `follows`.
 */
export function* followsOf({ users, follows, seed }: Plan): Generator<[number, number]> {
  const chance = random(seed ^ 0xf0110)
  const byFame = famous(users)
  const stride = strideOf(users, 0.382)
  let made = 0
  for (let rank = 0; rank < users; rank++) {
    const due = Math.round(follows * Math.sqrt((rank + 1) / users)) - made
    const count = Math.min(due, users - 1) // the excess goes to the next user
    const follower = (rank * stride + Math.floor(users / 3)) % users
    const chosen = new Set([follower])
    while (chosen.size <= count) {
      let followed = byFame(Math.floor(users * chance() ** 2))
      while (chosen.has(followed)) followed = (followed + 1) % users
      chosen.add(followed)
      yield [follower, followed]
    }
    made += count
  }
}
