/** First in, first out. `shift` moves nothing: on an array with thousands of entries it takes a microsecond. */
export class Fifo<T> {
  #entries: (T | undefined)[] = []
  /** The index of the oldest entry; those before it were taken. */
  #first = 0

  get size(): number {
    return this.#entries.length - this.#first
  }

  push(entry: T): void {
    this.#entries.push(entry)
  }

  /** Takes the oldest entry; undefined when there is none. */
  shift(): T | undefined {
    if (this.size === 0) return undefined
    const oldest = this.#entries[this.#first]
    this.#entries[this.#first] = undefined // else it would stay in memory
    this.#first += 1
    if (this.#first >= this.size) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
    return oldest
  }

  /** A copy, oldest first. */
  values(): T[] {
    return this.#entries.slice(this.#first) as T[]
  }

  clear(): void {
    this.#entries = []
    this.#first = 0
  }
}
