import { handleOf, numbered } from '../db/handles.ts'
// Who lives in a large world: the hundred of the demo town, then people with their names mixed.
import { people } from '../demo/people.ts'
import { random } from '../demo/random.ts'
import type { Plan } from './plan.ts'

const firsts = people.map(({ name }) => name.split(' ')[0]!)
const lasts = people.map(({ name }) => name.split(' ').at(-1)!)

/**
 * Everybody's "password123" (bcrypt, cost 10), hashed once and for all: so the same plan gives the same file, and a
 * million accounts do not take a day.
 */
export const passwordHash = '$2b$10$Pw5LiZMArlrnqKUs72V1pOi9TA3oWMHHz5ZZLGu7trsPQjd0Jf/Tq'

/** Name, handle and bio of an id. Names hold no digits, so that the id at its end makes a handle unique. */
export function personOf(id: number): { name: string; handle: string; bio: string } {
  const known = people[id - 1]
  if (known) return known
  const name = `${firsts[id % firsts.length]!} ${lasts[Math.floor(id / firsts.length) % lasts.length]!}`
  const handle = handleOf(name)
  return { name, handle: handle === undefined ? `u${id}` : numbered(handle, id), bio: '' }
}

/** A number without a common divisor with `count`: its multiples visit everybody once. */
export function strideOf(count: number, share: number): number {
  const divisor = (one: number, other: number): number =>
    other === 0 ? one : divisor(other, one % other)
  let stride = Math.max(1, Math.floor(count * share))
  while (divisor(count, stride) !== 1) stride += 1
  return stride
}

/** The user (from 0) of a rank of fame: who is followed most writes most. */
export const famous = (users: number): ((rank: number) => number) => {
  const stride = strideOf(users, 0.618)
  return (rank) => (rank * stride) % users
}

/**
 * Every follow, by follower: few follow thousands and few are followed by thousands (power laws). How many somebody
 * follows is the difference of a sum, so that all of them are exactly as many as asked for.
 */
export function* followsOf({ users, follows, seed }: Plan): Generator<[number, number]> {
  const chance = random(seed ^ 0xf0110)
  const byFame = famous(users)
  const stride = strideOf(users, 0.382)
  let made = 0
  for (let rank = 0; rank < users; rank++) {
    const due = Math.round(follows * Math.sqrt((rank + 1) / users)) - made
    const count = Math.min(due, users - 1) // what is too much for one is left to the next
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
