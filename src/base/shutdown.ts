// Signals. Loaded before anything else: the kernel ignores a signal to process 1 of a container until it has a handler.

/** A second signal within this time is a duplicate: the terminal sends Ctrl-C to npm and to us, and npm forwards it. */
const sameMs = 500

const numbers = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 }

/** Why the process ends, and with which exit code. */
export class Shutdown extends Error {
  readonly signal: string
  readonly code: number

  constructor(signal: string, code: number) {
    super(`Stopped by ${signal}.`)
    this.signal = signal
    this.code = code
  }
}

const controller = new AbortController()
let startedAt = 0

/** Aborted, with a `Shutdown` as its reason, when the process must end. */
export const shutdownSignal = controller.signal

/** Starts a graceful shutdown with this exit code. Only the first call has an effect. */
export function shutDown(signal: string, code: number): void {
  if (controller.signal.aborted) return
  startedAt = performance.now()
  controller.abort(new Shutdown(signal, code))
}

/**
 * Handles SIGTERM, SIGINT (Ctrl-C) and SIGHUP (the terminal was closed): the first one starts a graceful shutdown, the
 * second one ends the process at once.
 */
export function handleSignals(): void {
  for (const [signal, number] of Object.entries(numbers))
    process.on(signal, () => {
      if (!controller.signal.aborted) shutDown(signal, 0)
      else if (performance.now() - startedAt > sameMs) process.exit(128 + number)
    })
}
