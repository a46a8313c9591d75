import type { Context, Next } from 'hono'

import type { Env } from './context.ts'

/** Runs inside the handler span, around the rest of the route. */
export type HandlerHook = (c: Context<Env>, next: Next) => Promise<void>

const hooks: HandlerHook[] = []

/** Puts a hook around all handlers, inside those that are there; returns the function that takes it away. */
export function hookHandlers(hook: HandlerHook): () => void {
  hooks.push(hook)
  return () => {
    const at = hooks.indexOf(hook)
    if (at >= 0) hooks.splice(at, 1)
  }
}

/** How many hooks there are: none, but while the fault lab breaks something. */
export const handlerHooks = (): number => hooks.length

/** Runs the handler through the hooks; without any, it is `next` itself that runs. */
export const throughHooks: HandlerHook = (c, next) =>
  hooks.length === 0 ? next() : through([...hooks], c, next)

function through([first, ...rest]: HandlerHook[], c: Context<Env>, next: Next): Promise<void> {
  return first === undefined ? next() : first(c, () => through(rest, c, next))
}
