// What share of all requests each request has, by the model: counted from many users who act without a network.
import {
  nameOf,
  pickByWeight,
  wholeWithin,
  within,
  type Model,
  type Step,
  type User,
} from '../loadtest/k6/model.js'

/** How many users of each kind are tried out for one unit of weight. */
const usersTried = 400

type Counts = Map<string, number>

/** The share of each request in a run of so many seconds, sign-ins and welcomes left out; all of them make 1. */
export function sharesOf(model: Model, mix: string, seconds: number): Map<string, number> {
  const chance = seeded(1)
  const counts: Counts = new Map()
  for (const name of model.mixes[mix]!) {
    const user = model.users[name]!
    for (let n = 0; n < usersTried * user.weight; n++)
      live(model, user, { seconds, counts, chance })
  }
  return toShares(counts)
}

export function toShares(counts: Counts): Map<string, number> {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return new Map([...counts].map(([name, count]) => [name, count / all]))
}

type Life = { seconds: number; counts: Counts; chance: () => number }

function live(model: Model, user: User, { seconds, counts, chance }: Life): void {
  const left = new Map(
    Object.values(user.tasks).map((task) => [
      task,
      task.atMost ? wholeWithin(task.atMost, chance()) : Infinity,
    ]),
  )
  // An answer takes no time here: the users of a quick server are close to that.
  for (let now = 0; now < seconds; now += within(user.wait, chance())) {
    const task = pickByWeight(user.tasks, chance())
    const mayDo = left.get(task)!
    left.set(task, mayDo - 1)
    if (mayDo > 0) now += walk(model, task.steps, { seconds: seconds - now, counts, chance })
  }
}

/** Counts the requests of these steps; gives the seconds that their pauses take. */
function walk(model: Model, steps: Step[], life: Life): number {
  let took = 0
  for (const step of steps) {
    if (life.chance() >= (step.chance ?? 1)) continue
    for (let times = wholeWithin(step.times ?? [1, 1], life.chance()); times > 0; times--) {
      if (took >= life.seconds) return took
      if (step.pause) took += within(step.pause, life.chance())
      else if (step.request !== undefined) {
        const name = nameOf(model.requests[step.request]!)
        life.counts.set(name, (life.counts.get(name) ?? 0) + 1)
      } else {
        const inner = step.steps ?? step.oneOf![Math.floor(life.chance() * step.oneOf!.length)]!
        took += walk(model, inner, { ...life, seconds: life.seconds - took })
      }
    }
  }
  return took
}

/** The same sequence of numbers from 0 to 1 each time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
