// The users of a mix, as many as asked for: each does tasks by their weights and waits in between, as in Locust.
//
//     k6 run -e MIX=realistic -e USERS=100 -e SECONDS=60 loadtest/k6/load.js
//     k6 run -e SHAPE=spike loadtest/k6/load.js
//
// Environment: TARGET, MIX (realistic), USERS (50), SECONDS (60) or SHAPE (ramp, spike, soak), SPAWN (users that come
// each second, 5), PATIENCE_MS (no p95 limit is below it), MODEL (another model), OUT (result as JSON),
// TRACES (where a person finds the traces of the target).
import { sleep } from 'k6'
import exec from 'k6/execution'

import { wholeOf } from './environment.js'
import { pickByWeight, readModel, wholeWithin, within } from './model.js'
import { sendSpans } from './spans.js'
import { namesIn, summarise, thresholdsOf } from './summary.js'
import { checkTarget } from './target.js'
import { Visitor } from './traffic.js'

const model = readModel(open(__ENV.MODEL || import.meta.resolve('../model.json')))
const mix = model.mixes[__ENV.MIX || 'realistic']
if (mix === undefined)
  throw new Error(`There is no mix "${__ENV.MIX}"; mixes: ${Object.keys(model.mixes).join(', ')}.`)
const kinds = mix.map((name) => ({ name, ...model.users[name] }))
const peak = wholeOf('USERS', 50)
const stages = stagesOf(__ENV.SHAPE)

const requestNames = kinds.flatMap(({ account, welcome = [], tasks }) => [
  ...(account === undefined
    ? []
    : [model.accounts[account].login, model.accounts[account].register]),
  ...namesIn(welcome),
  ...Object.values(tasks).flatMap(({ steps }) => namesIn(steps)),
])

/** A shape of the model, or a rise at SPAWN users a second that stays until SECONDS are over. */
function stagesOf(shape) {
  if (shape) {
    const found = model.shapes[shape]
    if (found === undefined)
      throw new Error(
        `There is no shape "${shape}"; shapes: ${Object.keys(model.shapes).join(', ')}.`,
      )
    return found
  }
  const seconds = wholeOf('SECONDS', 60)
  const rise = Math.min(seconds, Math.ceil(peak / wholeOf('SPAWN', 5)))
  const plateau = { seconds: seconds - rise, users: 1 }
  return [{ seconds: rise, users: 1 }, ...(plateau.seconds > 0 ? [plateau] : [])]
}

export const options = {
  scenarios: {
    load: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: stages.map(({ seconds, users }) => ({
        duration: `${seconds}s`,
        target: Math.round(users * peak),
      })),
      // Nobody waits for the users that sleep between two tasks.
      gracefulStop: '0s',
      gracefulRampDown: '0s',
    },
  },
  thresholds: thresholdsOf(model, requestNames),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
}

export const setup = () => checkTarget(model)

/** Which kind of user this one is: dealt out by weight, so that the shares hold for any number of users. */
function kindOf(number) {
  // Steps of the golden ratio spread evenly whatever the number of users is.
  return pickByWeight(kinds, (number * 0.618033988749895) % 1)
}

let user

export default function work() {
  if (user === undefined) {
    arrive(kindOf(exec.vu.idInTest))
    return
  }
  const task = pickByWeight(user.kind.tasks, Math.random())
  if (mayDo(task)) user.visitor.walk(task.steps)
  sendSpans(false)
  sleep(within(user.kind.wait, Math.random()))
}

/** Who is not let in tries again: every page asked for without a session would only repeat that one failure. */
function arrive(kind) {
  const visitor = new Visitor(model, kind.as)
  if (kind.account === undefined || visitor.signIn(model.accounts[kind.account], kind.welcome))
    user = { kind, visitor, left: new Map() }
  else sleep(within(kind.wait, Math.random()))
}

/** Some tasks are done only so many times in a session. */
function mayDo(task) {
  if (task.atMost === undefined) return true
  const left = user.left.get(task) ?? wholeWithin(task.atMost, Math.random())
  user.left.set(task, left - 1)
  return left > 0
}

export const handleSummary = (data) => summarise(model, requestNames, data)
