// What every page says while a fault is active, so that nobody takes it for a real one.
import type { Context } from 'hono'
import { raw } from 'hono/html'

import { asset } from '../http/assets.ts'
import type { Env } from '../http/context.ts'
import { mayInspect } from '../http/sessions.ts'
import { maySwitch } from './access.ts'
import type { ActiveFault } from './fault.ts'

/** In the body: only pages that show something of the fault lab load it. */
export const style = raw(`<link rel="stylesheet" href="${asset('faults.css')}">`)

/** `14:05:30 UTC`. Not a `time` element: static/app.js turns those into ages. */
export const Clock = ({ at }: { at: number }) => (
  <span>{new Date(at).toISOString().slice(11, 19)} UTC</span>
)

type BannerProps = { c: Context<Env>; active: ActiveFault[] }

export const Banner = ({ c, active }: BannerProps) => {
  if (c.req.path === '/faults') return ''
  return (
    <>
      {style}
      <aside class='broken' aria-label='Faults'>
        <p>
          <b>Broken on purpose.</b>{' '}
          {mayInspect(c) && (
            <>
              {active.map(({ fault, route, until }, index) => (
                <>
                  {index > 0 && '; '}
                  {fault.title}
                  {route !== '' && <code> {route}</code>} until <Clock at={until} />
                </>
              ))}
              . <a href='/faults'>Faults</a>
            </>
          )}
        </p>
        {maySwitch(c) && (
          <form method='post' action='/faults/stop'>
            <button class='btn'>End all</button>
          </form>
        )}
      </aside>
    </>
  )
}
