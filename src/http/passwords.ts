import { randomBytes } from 'node:crypto'

import { compare, hash } from '@node-rs/bcrypt'

import type { Settings } from '../config/env.ts'
import { WorkQueue } from '../overload/work-queue.ts'
import { traceHash } from '../telemetry/waiting.ts'

declare module 'hono' {
  interface ContextVariableMap {
    passwords: Passwords
  }
}

/** bcrypt through a bounded queue: it takes a core for some 60 ms, and the pages need the other cores meanwhile. */
export class Passwords {
  readonly queue: WorkQueue
  readonly #cost: number
  /** What an unknown address is compared with, so that it takes as long as a known one. */
  #nobody: Promise<string> | undefined

  constructor(settings: Settings) {
    this.#cost = settings.PASSWORD_COST
    this.queue = new WorkQueue({
      name: 'password',
      concurrency: settings.passwordConcurrency,
      waiting: settings.PASSWORD_QUEUE,
      waitMs: settings.PASSWORD_WAIT_MS,
    })
  }

  /**
   * The bcrypt hash to store, of the password in NFC. Rejects with a 503 Refusal when the queue is full or `client` has
   * hung up; refuses more than 72 bytes.
   */
  hash(password: string, client?: AbortSignal): Promise<string> {
    const normal = normalPassword(password)
    if (!fits(normal)) {
      return Promise.reject(new RangeError('bcrypt would ignore the rest of this password'))
    }
    return this.queue.run(() => traceHash(() => hash(normal, { cost: this.#cost })), client)
  }

  /**
   * Does the password belong to this hash? `raw`: only as it was typed, as passwords were hashed before they were
   * normalised; hash it again. Without a hash it takes just as long and says no. Rejects as `hash` does.
   */
  async matches(
    password: string,
    stored: string | undefined,
    client?: AbortSignal,
  ): Promise<false | 'normal' | 'raw'> {
    this.#nobody ??= hash('nobody has this password', { cost: this.#cost })
    const other = stored ?? (await this.#nobody)
    const normal = normalPassword(password)
    // How many comparisons a refusal takes depends on the password alone, never on the account.
    const compared = async () => {
      if (await isSame(normal, other)) return 'normal'
      return password !== normal && (await isSame(password, other)) && 'raw'
    }
    const matched = await this.queue.run(() => traceHash(compared), client)
    return stored !== undefined && matched
  }
}

/** The form in which a password is hashed: keyboards differ in how they compose a letter. */
export const normalPassword = (password: string): string => password.normalize('NFC')

const fits = (password: string) => Buffer.byteLength(password) <= passwordBytes

/** A password that cannot be anybody's still takes the time of one that could. */
const isSame = async (password: string, stored: string) =>
  (await compare(fits(password) ? password : '', stored)) && fits(password)

/** A password of 96 random bits, in 16 characters. */
export const randomPassword = (): string => randomBytes(12).toString('base64url')

/** bcrypt reads no more than this. */
export const passwordBytes = 72
