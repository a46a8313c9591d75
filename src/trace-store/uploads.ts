// The files that people have uploaded to look at, for a short time, in memory. They are in no statistics and in no list.
import type { ReadTrace } from './read-otlp.ts'

export const uploadBounds = {
  bytes: 5 * 1024 * 1024,
  /** Files of one session; a further one takes the place of the oldest. */
  ofSession: 5,
  /** Files of all sessions, and their bytes; a further one is refused, because nobody may displace the files of others. */
  inAll: 100,
  bytesInAll: 20 * 1024 * 1024,
  ms: 15 * 60_000,
  /** Files that are being received. */
  atOnce: 2,
}

export type UploadedFile = {
  /** Its number in this process. */
  id: number
  name: string
  /** Until when it is kept, ms UTC. */
  until: number
  traces: ReadTrace[]
}

type Kept = UploadedFile & { session: string; bytes: number; timer: NodeJS.Timeout }

/** A file as it came, and what was read in it. */
type Given = { name: string; bytes: number; traces: ReadTrace[] }

/** The uploaded files, each with the session that sees it. */
export class Uploads {
  #kept: Kept[] = []
  #number = 0

  /** Keeps a file for 15 minutes; undefined when other sessions fill the memory. */
  add(session: string, given: Given): UploadedFile | undefined {
    const mine = this.#kept.filter((one) => one.session === session)
    if (mine.length >= uploadBounds.ofSession) this.#drop(mine[0]!)
    const bytes = this.#kept.reduce((sum, one) => sum + one.bytes, given.bytes)
    if (this.#kept.length >= uploadBounds.inAll || bytes > uploadBounds.bytesInAll) return undefined
    const timer = setTimeout(() => this.#drop(file), uploadBounds.ms).unref()
    const until = Date.now() + uploadBounds.ms
    const file: Kept = { ...given, id: ++this.#number, until, session, timer }
    this.#kept.push(file)
    return file
  }

  /** The files of a session, the newest first. */
  filesOf(session: string): UploadedFile[] {
    return this.#kept.filter((one) => one.session === session).toReversed()
  }

  #drop(file: Kept): void {
    clearTimeout(file.timer)
    this.#kept = this.#kept.filter((one) => one !== file)
  }
}
