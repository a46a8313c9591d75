// Access to the inspector. Anybody who knows the 128-bit id of a trace may see that trace: they got the id with the page
// that it belongs to. Lists, logs and statistics show everybody's requests: they are for demo instances and for
// operators.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { isOnOwnMachine } from '../http/own-machine.ts'
import { mayInspect } from '../http/sessions.ts'
import type { Recorder } from '../trace-store/recorder.ts'
import { answerProblem } from '../ui/answer.ts'
import { page } from '../ui/layout.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** The store that the inspector reads; undefined if the inspector is off. */
    recorder: Recorder | undefined
  }
}

/** The recorder, in routes that have the middleware `recorded`. */
export const recorderOf = (c: Context<Env>): Recorder => c.var.recorder!

/** If the inspector is off, answers with a page that says how to switch it on. */
export const recorded = createMiddleware<Env>(async (c, next) => {
  if (c.var.recorder) return next()
  // For the path of a trace the status is 404, which programs check.
  if (c.req.param('id') === undefined) return isOff(c)
  return answerProblem(c, 404, 'This process records no traces.', () => isOff(c))
})

const isOff = (c: Context<Env>) =>
  page(
    c,
    { title: 'Traces' },
    <>
      <h1>Traces</h1>
      <div class='empty-state'>
        <p class='big'>The inspector is off.</p>
        {c.var.settings.inspect ? (
          <p>
            <code>OTEL_SDK_DISABLED=true</code> keeps this process from recording anything: start
            without it.
          </p>
        ) : (
          <p>
            Start with <code>INSPECT=1</code> to record what every request does.
          </p>
        )}
        <p>
          <a href='/traces/guide'>What it would show</a>
        </p>
      </div>
    </>,
  )

/** Refuses everybody but operators, except on a demo instance. */
export const inspectorsOnly = createMiddleware<Env>(async (c, next) => {
  if (!mayInspect(c))
    throw new Refusal(403, 'Only operators of this instance see what others do.', {
      code: 'not_operator',
    })
  // With DEMO=0 these pages are for operators only: Back must not show them to the next user of the browser.
  if (!c.var.settings.demo) c.header('Cache-Control', 'private, no-store')
  await next()
})

/** May this visitor empty the recorder? Operators may, and everybody in a demo on their own machine. */
export const mayClear = (c: Context<Env>): boolean =>
  c.get('visitor')?.operator === true ||
  // A request without a socket, as a test may make it, comes from no machine.
  (c.env?.incoming !== undefined && isOnOwnMachine(c))

/** Refuses everybody else. */
export const clearersOnly = createMiddleware<Env>(async (c, next) => {
  if (!mayClear(c))
    throw new Refusal(403, 'Only operators of this instance clear what it has recorded.', {
      code: 'not_operator',
    })
  await next()
})
