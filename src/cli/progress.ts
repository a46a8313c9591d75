import { isatty } from 'node:tty'

import { stderr } from '../base/output.ts'

const onTerminal = isatty(2)

/** A progress line of a long job: share done, rate, time left. Written to a terminal only. */
export class Progress {
  readonly #total: number
  readonly #unit: string
  readonly #started = performance.now()
  #done = 0
  #step = ''
  #drawn = 0

  constructor(total: number, unit: string) {
    this.#total = total
    this.#unit = unit
  }

  /** Sets the name of the current step. */
  step(name: string): void {
    this.#step = name
    this.#draw()
  }

  add(count: number): void {
    this.#done += count
    if (performance.now() - this.#drawn > 100) this.#draw()
  }

  /** Removes the line. */
  end(): void {
    if (onTerminal) stderr.write('\r\x1B[K')
  }

  #draw(): void {
    if (!onTerminal) return
    this.#drawn = performance.now()
    const part = this.#total === 0 ? 1 : this.#done / this.#total
    const seconds = (this.#drawn - this.#started) / 1000
    const rate = this.#done / seconds
    const facts = [
      `${String(Math.floor(part * 100)).padStart(3)} %`,
      `${Math.round(rate).toLocaleString('en')} ${this.#unit}/s`,
      ...(rate > 0 ? [`${remaining((this.#total - this.#done) / rate)} left`] : []),
      this.#step,
    ]
    const bar = '#'.repeat(Math.floor(part * 24)).padEnd(24, '.')
    stderr.write(`\r\x1B[K${bar} ${facts.join('  ')}`)
  }
}

const remaining = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
