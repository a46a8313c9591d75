// Looks at the target before the users come: says in one sentence what would make the load pointless.
import exec from 'k6/execution'

import { target } from './environment.js'
import { accountOf, choose, fill } from './model.js'
import { sendSpans } from './spans.js'
import { Visitor } from './traffic.js'

/** Ends the run before it begins when the target will not do. */
export function checkTarget(model) {
  const visitor = new Visitor(model, 'program', { name: 'preflight', kind: 'preflight' })
  Object.assign(visitor.variables, accountOf(model.accounts.demo, 1))
  for (const step of model.target) {
    for (let count = 1; count <= (step.times ?? 1); count++) {
      const chosen = Object.fromEntries(
        Object.entries(step.with ?? {}).map(([name, source]) => [
          name,
          choose(model, source, {}, Math.random),
        ]),
      )
      const { status, problem, error } = visitor.send(step.request, 'program', chosen)
      if (problem === undefined) continue
      exec.test.abort(
        status === 0
          ? `Nothing answers at ${target} (${error}). Start it with \`npm start\`, or name another target.`
          : fill(step.else, { ...visitor.variables, status, count }),
      )
    }
  }
  sendSpans()
}
