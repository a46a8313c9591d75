// Standard output and standard error. Node's own streams end for good at the first error and bring the process down
// with it; a log file on a full disk, or a reader that has gone, must cost log lines and nothing else.
import { writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** What a slow reader may leave unread here before lines are dropped. */
const pendingMaxBytes = 4 * 1024 * 1024
/** How often a full pipe is tried again: at first, and at most. */
const blockedMs = 2
const blockedMaxMs = 250
/** How often one that fails is tried again: with the next line, and without one. */
const failedMs = 100
const failedQuietMs = 1000

/** Lines that could not be written, and why: an error code such as ENOSPC, or `slow reader`. */
export type LostLines = { lines: number; why: string }

/** Who is told about lost lines. */
export type LossReport = {
  /** It begins: nothing can be written now. */
  failed: (why: string) => void
  /** The line that is written as soon as something can be. */
  text: (lost: LostLines) => string
  /** That line is out. */
  recovered: (lost: LostLines) => void
}

/** One of the two standard outputs. A write never throws; what cannot be written is counted. */
export class Output {
  readonly #fd: 1 | 2
  #pendingMax = Infinity
  #report: LossReport | undefined
  /** What a full pipe has not taken yet, a line each; of the first perhaps only the rest. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** Since the last report. */
  #lost = 0
  #dropped = 0
  #why = ''
  #isFailing = false
  #triedAt = 0
  /** The last thing that got out is a part of a line. */
  #isTorn = false
  #waitMs = blockedMs
  #isAwaited = false

  constructor(fd: 1 | 2) {
    this.#fd = fd
  }

  /** All lines since the start that could not be written. */
  get dropped(): number {
    return this.#dropped
  }

  /** Why the last of them was lost: an error code such as ENOSPC, or `slow reader`; empty when none was. */
  get trouble(): string {
    return this.#why
  }

  /** For a server: from now on a reader that does not read costs lines, never a stop and never memory without bound. */
  neverWait(report?: LossReport): void {
    this.#pendingMax = pendingMaxBytes
    this.#report = report
    const stream = this.#fd === 1 ? process.stdout : process.stderr
    // Making the stream is what switches a pipe to non-blocking. Others still write to it: console.*, warnings of Node.
    stream.on('error', () => undefined)
  }

  write(text: string): void {
    if (this.#isFailing || this.#pending.length > 0) {
      const waitMs = this.#isFailing ? failedMs : blockedMs
      if (performance.now() - this.#triedAt > waitMs) this.#retry()
    }
    const bytes = Buffer.from(text)
    if (this.#isFailing) this.#lose(1, this.#why)
    else if (this.#pending.length === 0) this.#put(bytes)
    else if (this.#pendingBytes + bytes.length > this.#pendingMax) this.#lose(1, 'slow reader')
    else this.#keep(bytes)
  }

  /** Waits until a slow reader has taken everything, at most so long. */
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

  /** Writes one piece: the whole of it, or what a full pipe takes. */
  #put(bytes: Buffer): void {
    const written = this.#try(bytes)
    if (written === undefined) this.#fail(1)
    else if (written < bytes.length) this.#keep(bytes.subarray(written))
  }

  /** How many bytes went out; undefined when none ever will. */
  #try(bytes: Buffer): number | undefined {
    let written = 0
    try {
      // A disk that becomes full takes a part and says why at the next attempt.
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written)
    } catch (error) {
      const code = codeOf(error)
      if (written > 0) this.#isTorn = true
      if (code !== 'EAGAIN') {
        this.#why = code
        return undefined
      }
    }
    if (written === bytes.length) this.#isTorn = false
    return written
  }

  #keep(bytes: Buffer): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.#again(this.#waitMs)
  }

  #lose(lines: number, why: string): void {
    this.#dropped += lines
    this.#lost += lines
    this.#why = why
  }

  #fail(lines: number): void {
    const isNew = !this.#isFailing
    this.#lose(lines, this.#why)
    this.#isFailing = true
    this.#triedAt = performance.now()
    this.#again(failedQuietMs)
    if (isNew) this.#report?.failed(this.#why)
  }

  #again(ms: number): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    setTimeout(() => {
      this.#isAwaited = false
      this.#retry()
    }, ms).unref()
  }

  /** First what waits, then how much was lost meanwhile. */
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
        return this.#again(this.#waitMs)
      }
      this.#pending.shift()
    }
    this.#waitMs = blockedMs
    if (this.#lost > 0) this.#tell()
  }

  /** Says how much was lost: whether that can be written is how one finds out that all is well again. */
  #tell(): void {
    const lost = { lines: this.#lost, why: this.#why }
    const text = `${this.#isTorn ? '\n' : ''}${this.#report?.text(lost) ?? ''}`
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

/** Waits until slow readers of both have taken everything, at most so long for each. */
export async function settleOutput(ms: number): Promise<void> {
  await stdout.settle(ms)
  await stderr.settle(ms)
}
