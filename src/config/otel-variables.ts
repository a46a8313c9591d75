export type Environment = Record<string, string | undefined>

/** How a variable is checked. */
export type Check = {
  /** What it accepts, for the warning. */
  accepts: string
  fits: (text: string) => boolean
  /** The default that is used instead of a bad value, for the warning. */
  otherwise: string
  /** The value must not be printed. */
  secret?: true
}

/**
 * Reads OTEL_* variables. A bad value adds a sentence to `warnings` and is deleted from the environment, because the
 * SDK reads many of these variables itself: it then uses the default, too.
 */
export class OtelVariables {
  readonly warnings: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
    for (const name of Object.keys(env)) if (name.startsWith('OTEL_')) this.#trim(name)
  }

  /** The SDK would keep the blanks around a value, and send to an address that is none. A blank variable is unset. */
  #trim(name: string): void {
    const value = this.#env[name]?.trim()
    if (!value) delete this.#env[name]
    else this.#env[name] = value
  }

  /** The value; undefined when it is unset or blank. */
  text(name: string): string | undefined {
    return this.#env[name]
  }

  /** The value when it is valid. Else undefined, with a warning. */
  checked(name: string, check: Check): string | undefined {
    const given = this.text(name)
    if (given === undefined || check.fits(given)) return given
    const value = check.secret ? 'cannot be read' : `is "${given}"`
    this.warnings.push(
      `${name} ${value}, but it accepts ${check.accepts}; ${check.otherwise} is used.`,
    )
    delete this.#env[name]
    return undefined
  }

  /** One of these words, in upper or lower case; `otherwise` when unset or bad. */
  oneOf<const T extends string>(name: string, words: readonly T[], otherwise: T): T {
    const wordOf = (text: string) => words.find((word) => word.toLowerCase() === text.toLowerCase())
    const given = this.checked(name, {
      accepts: words.join(', '),
      fits: (text) => wordOf(text) !== undefined,
      otherwise,
    })
    if (given === undefined) return otherwise
    return (this.#env[name] = wordOf(given)!)
  }

  /** Some of these words, separated by commas. Unknown words are left out, with a warning. */
  someOf(name: string, words: readonly string[], otherwise: readonly string[]): string[] {
    const split = (text: string) => [...new Set(text.split(',').map((one) => one.trim()))]
    const given = this.text(name)
    if (given === undefined) return [...otherwise]
    const known = split(given).filter((one) => words.includes(one))
    const used = known.length > 0 ? known : [...otherwise]
    this.checked(name, {
      accepts: words.join(', '),
      fits: (text) => split(text).length === known.length,
      otherwise: used.join(','),
    })
    return used
  }

  /** A whole number, at least `least`; `otherwise` when unset or bad. */
  whole(name: string, otherwise: number, least = 1): number {
    const given = this.checked(name, {
      accepts: `a whole number from ${least} on`,
      fits: (text) => /^\d{1,9}$/.test(text) && Number(text) >= least,
      otherwise: otherwise === Infinity ? 'no limit' : String(otherwise),
    })
    return given === undefined ? otherwise : Number(given)
  }
}
