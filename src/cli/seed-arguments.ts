// The arguments of `npm run seed`: the size of the world and the seed of its random numbers.
import { parseArgs } from 'node:util'

import { StartError } from '../config/start-error.ts'
import type { Plan } from '../seed/plan.ts'

const numbers = {
  users: [1, 10_000_000],
  tweets: [0, 200_000_000],
  follows: [0, 1_000_000_000],
  likes: [0, 1_000_000_000],
  seed: [0, 4_294_967_295],
} as const
type Name = keyof typeof numbers

const text = { type: 'string' } as const
const options = {
  users: text,
  tweets: text,
  follows: text,
  likes: text,
  seed: text,
  until: text,
} as const

/** Parses the command line; `now` in ms. Throws a StartError that names the wrong argument and what it accepts. */
export function planOf(args: string[], now: number): Plan {
  const given = read(args)
  const number = (name: Name, otherwise: number): number => {
    const word = given[name]
    if (word === undefined) return otherwise
    const [min, max] = numbers[name]
    const value = /^\d{1,12}$/.test(word) ? Number(word) : NaN
    if (value >= min && value <= max) return value
    throw new StartError(`--${name} is "${word}", but it accepts a number from ${min} to ${max}.`)
  }
  for (const name of ['users', 'tweets'] as const) {
    if (given[name] === undefined)
      throw new StartError(`--${name} is missing: npm run seed -- --users N --tweets M`)
  }
  const users = number('users', 1)
  const tweets = number('tweets', 0)
  // With more, the most popular people and tweets would need more followers and likes than there are users.
  const most = { follows: users * (users - 1), likes: Math.floor((users * tweets) / 20) }
  const plan = {
    users,
    tweets,
    follows: number('follows', Math.min(users * 50, Math.floor(most.follows / 4))),
    likes: number('likes', Math.min(tweets, most.likes)),
    seed: number('seed', 1),
    until: momentOf(given.until, now),
  }
  for (const name of ['follows', 'likes'] as const) {
    if (plan[name] > most[name])
      throw new StartError(
        `--${name} is ${plan[name]}, but ${users} users and ${tweets} tweets allow at most ${most[name]}.`,
      )
  }
  return plan
}

function read(args: string[]) {
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new StartError(
      `${error.message.split(/\. |\n/)[0]?.replace(/\.$/, '')}. npm run seed -- --help`,
    )
  }
}

function momentOf(word: string | undefined, now: number): number {
  if (word === undefined) return now
  const moment = Date.parse(word)
  if (moment > Date.UTC(2000) && moment < Date.UTC(3000)) return moment
  throw new StartError(`--until is "${word}", but it accepts a date such as 2026-01-31T12:00:00Z.`)
}
