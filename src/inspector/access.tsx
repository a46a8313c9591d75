// Who may look. Who knows a trace's 128-bit id may see that trace: the page that it belongs to has given it. Lists,
// logs and statistics show everybody's requests: they are for demo instances and for operators.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { mayInspect } from '../http/sessions.ts'
import type { Recorder } from '../trace-store/recorder.ts'
import { answerProblem } from '../ui/answer.ts'
import { page } from '../ui/layout.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** What the inspector reads; undefined when it is off. */
    recorder: Recorder | undefined
  }
}

/** The recorder, where `recorded` stands in the route. */
export const recorderOf = (c: Context<Env>): Recorder => c.var.recorder!

/** Answers how to switch the inspector on when it is off. */
export const recorded = createMiddleware<Env>(async (c, next) => {
  if (c.var.recorder) return next()
  // No trace is here: programs that look for one see the status alone.
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

export const forLookers = createMiddleware<Env>(async (c, next) => {
  if (!mayInspect(c))
    throw new Refusal(403, 'Only operators of this instance see what others do.', {
      code: 'not_operator',
    })
  // With DEMO=0 this is for operators alone: Back does not show it to whoever comes after them.
  if (!c.var.settings.demo) c.header('Cache-Control', 'private, no-store')
  await next()
})
