// Every screen and deed once per iteration: as a browser, as htmx and as a program that names JSON.
//
//     k6 run loadtest/k6/smoke.js
//
// Environment: TARGET, SECONDS (60), PATIENCE_MS (no p95 limit is below it), MODEL (another model), OUT (result as JSON),
// TRACES (where a person finds the traces of the target).
import { sleep } from 'k6'
import exec from 'k6/execution'

import { wholeOf } from './environment.js'
import { accountOf, readModel, within } from './model.js'
import { sendSpans } from './spans.js'
import { namesIn, summarise, thresholdsOf } from './summary.js'
import { checkTarget } from './target.js'
import { Visitor } from './traffic.js'

const model = readModel(open(__ENV.MODEL || import.meta.resolve('../model.json')))
const { smoke } = model
const requestNames = namesIn(smoke.steps)

export const options = {
  scenarios: {
    smoke: {
      executor: 'constant-vus',
      vus: smoke.users,
      duration: `${wholeOf('SECONDS', 60)}s`,
      gracefulStop: '30s',
    },
  },
  thresholds: thresholdsOf(model, requestNames, smoke.as.length),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
}

export const setup = () => checkTarget(model)

export default function walkThrough() {
  for (const asker of smoke.as) {
    const visitor = new Visitor(model, asker)
    // An address that nobody has had: it is registered, used and deleted again.
    const number = `${Date.now()}-${exec.vu.idInTest}`
    Object.assign(visitor.variables, accountOf(smoke.account, number))
    for (const step of smoke.steps) {
      visitor.walk([step])
      sleep(within(smoke.pause, Math.random()))
    }
  }
  sendSpans()
}

export const handleSummary = (data) => summarise(model, requestNames, data)
