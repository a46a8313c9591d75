/** A cache with at most `limit` entries. A new entry beyond that evicts the least recently used one. */
export class Lru<T> {
  readonly #entries = new Map<string, T>()
  readonly #limit: number
  // The most recently used entry: it is often asked for again, and then without hashing its key.
  #newestKey: string | undefined
  #newestValue: T | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The value of this key. `make` creates it when it is missing. */
  get(key: string, make: () => T): T {
    if (key === this.#newestKey) return this.#newestValue!
    const value = this.#entries.get(key) ?? make()
    this.#newestKey = key
    this.#newestValue = value
    this.#entries.delete(key)
    this.#entries.set(key, value) // a Map keeps insertion order: the last entry is the most recently used
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!)
    return value
  }

  clear(): void {
    this.#entries.clear()
    this.#newestKey = undefined
    this.#newestValue = undefined
  }
}
