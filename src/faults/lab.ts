// Starts and ends faults. Nothing of it is in the way of a request while no fault is active.
import { trace, type Attributes } from '@opentelemetry/api'
import type { Context, Next } from 'hono'
import { routePath } from 'hono/route'

import { random } from '../base/random.ts'
import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { hookHandlers, type HandlerHook } from '../http/handler-hook.ts'
import { log } from '../telemetry/log.ts'
import { inTrace } from '../telemetry/spans.ts'
import { answerError } from '../ui/errors.tsx'
import { addNotice } from '../ui/notice.ts'
import { Banner } from './banner.tsx'
import type { ActiveFault, Fault, Place, Undo } from './fault.ts'
import { faultNamed, hiding } from './list.ts'
import { strikeOf, type Asked } from './options.ts'
import { keyOf, routesOf, type Route } from './route-pattern.ts'

export const faultsAtOnce = 3

/** Why a fault has ended. */
export type Why = 'time' | 'hand' | 'replaced' | 'signal' | 'shutdown' | 'game' | `bound: ${string}`

type Running = ActiveFault & { undo: Undo; secret: boolean }

/** How a fault begins. Nothing says of a secret one that it is active: no page, no log line, no span. */
type Manner = { secret: boolean }

/** The faults of one app. They are in memory only: after a restart there are none. */
export class FaultLab {
  readonly place: Place
  /** The routes of the app, which are known once it has been put together. */
  routes: () => Route[] = () => []
  readonly #running = new Map<string, Running>()
  #removeNotice: (() => void) | undefined
  #isGame = false

  constructor(place: Place) {
    this.place = place
  }

  /** The faults that are active and may be known, in the order of their starts. */
  get active(): ActiveFault[] {
    return [...this.#running.values()].filter(({ secret }) => !secret)
  }

  /** What the active faults hide of each other. */
  get warnings(): string[] {
    return hiding(this.active.map(({ fault }) => fault.name))
  }

  /** Is this app the mystery of a game day? Then only the game starts and ends faults. */
  get isGame(): boolean {
    return this.#isGame
  }

  beginGame(): void {
    this.endAll('shutdown')
    this.#isGame = true
  }

  /** Starts a fault, or starts it anew with other options. Throws a 422 Refusal that says what is wrong. */
  start(name: string, asked: Asked, { secret }: Manner = { secret: false }): ActiveFault {
    if (!secret) this.#refuseInGame()
    const fault = known(name)
    const strike = strikeOf(fault, asked)
    const routes = fault.takesRoute ? routesOf(strike.route, this.routes()) : new Set<string>()
    const refusal = fault.refusal?.(this.place)
    if (refusal !== undefined) throw new Refusal(422, refusal, { code: 'fault_refused' })
    if (this.#running.size >= faultsAtOnce && !this.#running.has(name))
      throw new Refusal(
        422,
        `${faultsAtOnce} faults are active, and more would hide each other. End one first.`,
        { code: 'faults_at_once' },
      )
    this.end(name, 'replaced')
    const since = Date.now()
    const active = { ...strike, fault, since, until: since + strike.seconds * 1000 }
    this.#running.set(name, { ...active, secret, undo: this.#install(active, routes, secret) })
    if (secret) return active
    this.#removeNotice ??= addNotice((c) =>
      c.var.settings === this.place.settings ? Banner({ c, active: this.active }) : '',
    )
    report('started', active)
    return active
  }

  /** Ends a fault; does nothing when it is not active. Throws a 422 Refusal when there is none of this name. */
  end(name: string, why: Why): void {
    known(name)
    if (why === 'hand') this.#refuseInGame()
    const running = this.#running.get(name)
    if (!running) return
    this.#running.delete(name)
    if (this.active.length === 0) {
      this.#removeNotice?.()
      this.#removeNotice = undefined
    }
    running.undo()
    // The end of a game is the time to tell.
    if (!running.secret || why === 'game') report('ended', running, why)
  }

  /** Ends all faults; returns how many there were. */
  endAll(why: Why): number {
    if (why === 'hand') this.#refuseInGame()
    const names = [...this.#running.keys()]
    for (const name of names) this.end(name, why)
    return names.length
  }

  /** Lets a fault begin; the result takes away all of it. */
  #install(active: ActiveFault, routes: Set<string>, secret: boolean): Undo {
    const { fault, strength, share, seed, seconds } = active
    const undos: Undo[] = []
    const undoAll = () => {
      for (const undo of undos) undo()
    }
    const endLater = (why: Why) =>
      secret ? this.end(fault.name, why) : void this.#endInTrace(fault.name, why)
    const timer = setTimeout(endLater, seconds * 1000, 'time').unref()
    undos.push(() => clearTimeout(timer))
    const chosen = random(seed)
    try {
      const undo = fault.start({
        ...this.place,
        strength,
        secret,
        // Another sequence than the one that chooses the requests.
        random: random(seed ^ 0x5bd1e995),
        around: (hook) => {
          const strikes = (c: Context<Env>) =>
            c.var.settings === this.place.settings &&
            routes.has(keyOfRequest(c)) &&
            chosen() < share
          undos.push(hookHandlers((c, next) => (strikes(c) ? contained(hook, c, next) : next())))
        },
        endAt: (why) => endLater(`bound: ${why}`),
      })
      if (undo) undos.push(undo)
    } catch (error) {
      undoAll()
      throw error
    }
    return undoAll
  }

  #refuseInGame(): void {
    if (!this.#isGame) return
    throw new Refusal(409, 'A game day is on. Only its own page ends it.', { code: 'game_day' })
  }

  /** No request is at hand: the end gets a trace of its own. */
  #endInTrace(name: string, why: Why): Promise<void> {
    return inTrace('faults.expire', () => Promise.resolve(this.end(name, why)))
  }
}

/** The fault of this name. Throws a 422 Refusal. */
function known(name: string): Fault {
  const fault = faultNamed(name)
  if (fault) return fault
  throw new Refusal(422, 'There is no fault of this name. /faults lists them.', {
    code: 'unknown_fault',
  })
}

const keyOfRequest = (c: Context<Env>): string =>
  keyOf({ method: c.req.method === 'HEAD' ? 'GET' : c.req.method, path: routePath(c) })

/** What a hook throws becomes the answer here, as it would in the handler: the span of the handler must end. */
async function contained(hook: HandlerHook, c: Context<Env>, next: Next): Promise<void> {
  try {
    await hook(c, next)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    c.error = error
    c.res = await answerError(error, c)
  }
}

/** A log line and an event on the active span, to know afterwards when it was. */
function report(what: 'started' | 'ended', active: ActiveFault, why?: Why): void {
  const facts: Attributes = {
    'app.fault.name': active.fault.name,
    'app.fault.strength': active.strength,
    'app.fault.share': active.share,
    'app.fault.seed': active.seed,
    'app.fault.seconds': active.seconds,
  }
  if (why === 'game') facts['app.fault.since'] = new Date(active.since).toISOString()
  if (active.route !== '') facts['app.fault.route'] = active.route
  if (why !== undefined) facts['app.fault.why'] = why
  trace.getActiveSpan()?.addEvent(`fault.${what}`, facts)
  log.warn(`fault ${what}`, facts)
}
