/** A bounded map of what is costly to make: the least recently used goes first. */
export class Lru<T> {
  readonly #kept = new Map<string, T>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** What is kept under this key; made when it is not there. */
  get(key: string, make: () => T): T {
    const value = this.#kept.get(key) ?? make()
    this.#kept.delete(key)
    this.#kept.set(key, value) // last in the map = used last
    if (this.#kept.size > this.#limit) this.#kept.delete(this.#kept.keys().next().value!)
    return value
  }

  clear(): void {
    this.#kept.clear()
  }
}
