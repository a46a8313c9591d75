import { Fifo } from './fifo.ts'
import { shorten, sizeOfLog, textMax } from './recorded-size.ts'
import type { RecordedLog } from './recorded.ts'

/** Keeps the newest log lines, up to a number of them and up to their estimated size in bytes. */
export class LogStore {
  /** How many lines it has taken. */
  taken = 0
  readonly #lines = new Fifo<RecordedLog>()
  readonly #sizes = new Fifo<number>()
  readonly #linesMax: number
  readonly #bytesMax: number
  #bytes = 0

  constructor(linesMax: number, bytesMax: number) {
    this.#linesMax = linesMax
    this.#bytesMax = bytesMax
  }

  /** Takes a line; its long texts are cut. */
  take(line: RecordedLog): void {
    const size = sizeOfLog(line)
    const isShort = size <= textMax // then no text of it is longer
    const kept = isShort ? line : shorten(line)
    const bytes = isShort ? size : sizeOfLog(kept)
    this.taken += 1
    this.#lines.push(kept)
    this.#sizes.push(bytes)
    this.#bytes += bytes
    while (this.#lines.size > this.#linesMax || this.#bytes > this.#bytesMax) {
      this.#lines.shift()
      this.#bytes -= this.#sizes.shift()!
    }
  }

  /** All kept lines. */
  newestFirst(): RecordedLog[] {
    return this.#lines.values().toReversed()
  }

  /** Forgets all lines, but not how many there were. */
  clear(): void {
    this.#lines.clear()
    this.#sizes.clear()
    this.#bytes = 0
  }
}
