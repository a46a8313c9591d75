import { compare, hash } from '@node-rs/bcrypt'

import type { Settings } from '../config/env.ts'
import { Lane } from '../overload/work-queue.ts'

declare module 'hono' {
  interface ContextVariableMap {
    passwords: Passwords
  }
}

/** bcrypt through a bounded lane: it takes a core for some 60 ms, and the pages need the other cores meanwhile. */
export class Passwords {
  readonly lane: Lane
  readonly #cost: number
  /** What an unknown address is compared with, so that it takes as long as a known one. */
  #nobody: Promise<string> | undefined

  constructor(settings: Settings) {
    this.#cost = settings.PASSWORD_COST
    this.lane = new Lane({
      name: 'password',
      concurrency: settings.passwordLanes,
      waiting: settings.PASSWORD_QUEUE,
      waitMs: settings.PASSWORD_WAIT_MS,
      isSteady: true,
    })
  }

  /** The bcrypt hash to store. Rejects with a 503 Refusal when the lane is full; refuses more than 72 bytes. */
  hash(password: string): Promise<string> {
    const normal = normalPassword(password)
    if (!fits(normal)) {
      return Promise.reject(new RangeError('bcrypt would ignore the rest of this password'))
    }
    return this.lane.run(() => hash(normal, { cost: this.#cost }))
  }

  /**
   * Does the password belong to this hash? `raw`: only as it was typed, as passwords were hashed before they were
   * normalised: hash it anew. Without a hash it takes just as long and says no.
   */
  async matches(password: string, stored: string | undefined): Promise<false | 'normal' | 'raw'> {
    this.#nobody ??= hash('nobody has this password', { cost: this.#cost })
    const other = stored ?? (await this.#nobody)
    const normal = normalPassword(password)
    // How many comparisons a refusal takes depends on the password alone, never on the account.
    const matched = await this.lane.run(async () => {
      if (await isSame(normal, other)) return 'normal'
      return password !== normal && (await isSame(password, other)) && 'raw'
    })
    return stored !== undefined && matched
  }
}

/** The form in which a password is hashed: keyboards differ in how they compose a letter. */
export const normalPassword = (password: string): string => password.normalize('NFC')

const fits = (password: string) => Buffer.byteLength(password) <= passwordBytes

/** A password that cannot be anybody's still takes the time of one that could. */
const isSame = async (password: string, stored: string) =>
  (await compare(fits(password) ? password : '', stored)) && fits(password)

/** bcrypt reads no more than this. */
export const passwordBytes = 72
