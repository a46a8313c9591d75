// Standard output and standard error. Node's own streams close at the first error, and that error ends the process.
// Here, a log file on a full disk or a reader that has closed the pipe costs log lines and nothing else.
import { writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Lines that a slow reader has not read are buffered up to this size. Further lines are dropped. */
const pendingMaxBytes = 4 * 1024 * 1024
/** Delay before the next attempt to write to a full pipe. It doubles from the first number to the second. */
const blockedMs = 2
const blockedMaxMs = 250
/** Delay before the next attempt after an error: when there is a new line to write, and when there is none. */
const failedMs = 100
const failedQuietMs = 1000

/** Lines that could not be written, and why: an error code such as ENOSPC, or `slow reader`. */
export type LostLines = { lines: number; why: string }

/** Callbacks that report lost lines. */
type LossReport = {
  /** Called when writing begins to fail. */
  failed: (why: string) => void
  /** Makes the line that is written first when the output works again. */
  text: (lost: LostLines) => string
  /** Called when that line has been written. */
  recovered: (lost: LostLines) => void
}

/** One of the two standard outputs. `write` never throws. Lines that cannot be written are counted. */
class Output {
  readonly #fd: 1 | 2
  #pendingMax = Infinity
  #report: LossReport | undefined
  /** Lines that a full pipe has not taken yet. The first one may be only the rest of a line. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** Lines lost since the last report. */
  #lost = 0
  /** Lines lost since the start. */
  #dropped = 0
  #why = ''
  #isFailing = false
  #triedAt = 0
  /** The output ends in the middle of a line. */
  #endsInsideLine = false
  #waitMs = blockedMs
  #isRetryScheduled = false

  constructor(fd: 1 | 2) {
    this.#fd = fd
  }

  /** Number of lines since the start that could not be written. */
  get dropped(): number {
    return this.#dropped
  }

  /** Why the last line was lost: an error code such as ENOSPC, or `slow reader`. Empty when no line was lost. */
  get trouble(): string {
    return this.#why
  }

  /** For a server: when the reader of the output is slow, drop lines instead of blocking or buffering without bound. */
  neverWait(report?: LossReport): void {
    this.#pendingMax = pendingMaxBytes
    this.#report = report
    const stream = this.#fd === 1 ? process.stdout : process.stderr
    // Reading `process.stdout` creates the stream, which makes a pipe non-blocking. The error handler is for the other
    // writers of this stream: console.* and Node's warnings.
    stream.on('error', () => undefined)
  }

  /** Writes a line, or buffers it, or counts it as lost. */
  write(text: string): void {
    if (this.#isFailing || this.#pending.length > 0) {
      const waitMs = this.#isFailing ? failedMs : blockedMs
      if (performance.now() - this.#triedAt > waitMs) this.#retry()
    }
    const bytes = Buffer.from(text)
    if (this.#isFailing) this.#countLost(1, this.#why)
    else if (this.#pending.length === 0) this.#put(bytes)
    else if (this.#pendingBytes + bytes.length > this.#pendingMax) this.#countLost(1, 'slow reader')
    else this.#keep(bytes)
  }

  /** Waits until a slow reader has taken all buffered lines, at most `ms` milliseconds. */
  async settle(ms: number): Promise<void> {
    for (
      const giveUp = performance.now() + ms;
      performance.now() < giveUp;
      await pause(blockedMs)
    ) {
      if (this.#pending.length === 0) return
      this.#retry()
    }
  }

  /** Writes some bytes. Buffers what a full pipe does not take. */
  #put(bytes: Buffer): void {
    const written = this.#try(bytes)
    if (written === undefined) this.#fail(1)
    else if (written < bytes.length) this.#keep(bytes.subarray(written))
  }

  /** The number of bytes written, fewer than given when the pipe is full; undefined after any other error. */
  #try(bytes: Buffer): number | undefined {
    let written = 0
    try {
      // When a disk becomes full, one write takes only a part. The next write throws the reason.
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written)
    } catch (error) {
      const code = codeOf(error)
      if (written > 0) this.#endsInsideLine = true
      if (code !== 'EAGAIN') {
        this.#why = code
        return undefined
      }
    }
    if (written === bytes.length) this.#endsInsideLine = false
    return written
  }

  #keep(bytes: Buffer): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.#scheduleRetry(this.#waitMs)
  }

  #countLost(lines: number, why: string): void {
    this.#dropped += lines
    this.#lost += lines
    this.#why = why
  }

  #fail(lines: number): void {
    const isNew = !this.#isFailing
    this.#countLost(lines, this.#why)
    this.#isFailing = true
    this.#triedAt = performance.now()
    this.#scheduleRetry(failedQuietMs)
    if (isNew) this.#report?.failed(this.#why)
  }

  #scheduleRetry(ms: number): void {
    if (this.#isRetryScheduled) return
    this.#isRetryScheduled = true
    setTimeout(() => {
      this.#isRetryScheduled = false
      this.#retry()
    }, ms).unref()
  }

  /** Writes the buffered lines, then the report of the lines that were lost meanwhile. */
  #retry(): void {
    this.#triedAt = performance.now()
    while (this.#pending[0]) {
      const written = this.#try(this.#pending[0])
      if (written === undefined) {
        const lines = this.#pending.length
        this.#pending = []
        this.#pendingBytes = 0
        return this.#fail(lines)
      }
      this.#pendingBytes -= written
      if (written < this.#pending[0].length) {
        this.#pending[0] = this.#pending[0].subarray(written)
        this.#waitMs = written > 0 ? blockedMs : Math.min(this.#waitMs * 2, blockedMaxMs)
        return this.#scheduleRetry(this.#waitMs)
      }
      this.#pending.shift()
    }
    this.#waitMs = blockedMs
    if (this.#lost > 0) this.#reportLost()
  }

  /** Writes the report of lost lines. If that succeeds, the output works again. */
  #reportLost(): void {
    const lost = { lines: this.#lost, why: this.#why }
    const text = `${this.#endsInsideLine ? '\n' : ''}${this.#report?.text(lost) ?? ''}`
    const bytes = Buffer.from(text)
    const written = this.#try(bytes)
    if (written === undefined) return this.#fail(0)
    this.#isFailing = false
    this.#lost = 0
    if (written < bytes.length) this.#keep(bytes.subarray(written))
    this.#report?.recovered(lost)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

export const stdout = new Output(1)
export const stderr = new Output(2)

/** Waits until the readers of both outputs have taken all buffered lines, at most `ms` milliseconds each. */
export async function settleOutput(ms: number): Promise<void> {
  await stdout.settle(ms)
  await stderr.settle(ms)
}
