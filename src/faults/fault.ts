// What a fault is. Each has a file of its own beside this one; list.ts names them all.
import type { Context, Next } from 'hono'

import type { Random } from '../base/random.ts'
import type { Settings } from '../config/env.ts'
import type { Database } from '../db/db.ts'
import type { Env } from '../http/context.ts'
import type { Passwords } from '../http/passwords.ts'

/** Takes a fault away again. Must not throw, and must not need the database. */
export type Undo = () => void

/** What a fault may break. */
export type Place = { settings: Settings; database: Database; passwords: Passwords }

/** What a fault gets when it starts. */
export type Scene = Place & {
  strength: number
  /** In a game day nothing may name the fault. */
  secret: boolean
  /** The same sequence for the same seed. */
  random: Random
  /** Runs around the handlers of the chosen routes, for the chosen share of their requests, until the fault ends. */
  around: (hook: (c: Context<Env>, next: Next) => Promise<void>) => void
  /** Ends the fault because it has reached one of its bounds, which `why` says. */
  endAt: (why: string) => void
}

export const faultKinds = ['application', 'database', 'process', 'telemetry'] as const

export type Fault = {
  /** In addresses and commands: lower case and hyphens. */
  name: string
  kind: (typeof faultKinds)[number]
  title: string
  /** What it does. */
  does: string
  /** Which metrics, spans and logs it moves. */
  moves: string
  /** How one finds it with the pages of the inspector alone. */
  find: string
  /** How one would cure it, were it real. */
  cure: string
  strength: { what: string; unit: string; min: number; max: number; default: number }
  /** It strikes the requests of a route, or a share of them; else the whole process. */
  takesRoute?: true
  /** Why it cannot be started here, as a sentence; undefined when it can. */
  refusal?: (place: Place) => string | undefined
  /** Returns what takes it away again; nothing where the end of its hooks is enough. */
  start: (scene: Scene) => Undo | void
}

export type Strike = {
  strength: number
  /** As it was given: `/timeline`, `POST /favorite/:id`, `/account/*`. Empty for a fault of the whole process. */
  route: string
  /** The share of the requests, above 0 and up to 1. */
  share: number
  seed: number
  seconds: number
}

/** A fault that is active. Times are milliseconds UTC. */
export type ActiveFault = Strike & { fault: Fault; since: number; until: number }
