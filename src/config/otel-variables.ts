export type Environment = Record<string, string | undefined>

/** What a variable accepts, in words and as a test; what is used instead; whether its value may be printed. */
export type Check = {
  accepts: string
  fits: (text: string) => boolean
  otherwise: string
  secret?: true
}

/**
 * Reads OTEL_* variables. A value that cannot be understood is named in `warnings` and taken out of the environment:
 * the SDK's pieces, which read most of them there themselves, then use the default as well.
 */
export class OtelVariables {
  readonly warnings: string[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  /** The trimmed text; undefined when there is none. An empty variable counts as unset. */
  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined
  }

  /** The text when it fits, else undefined. */
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

  /** One of these words, in any case. */
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

  /** Some of these words, separated by commas; unknown ones are left out. */
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

  /** A whole number from `least` on. */
  whole(name: string, otherwise: number, least = 1): number {
    const given = this.checked(name, {
      accepts: `a whole number from ${least} on`,
      fits: (text) => /^\d{1,9}$/.test(text) && Number(text) >= least,
      otherwise: otherwise === Infinity ? 'no limit' : String(otherwise),
    })
    return given === undefined ? otherwise : Number(given)
  }
}
