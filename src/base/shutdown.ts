// Signals. Loaded before anything else: process 1 of a container loses a signal that it has no handler for.

/** A signal this soon after the first one is the same: npm passes on what the terminal has sent to both. */
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
let since = 0

/** Is aborted, with a `Shutdown` as its reason, when the process is to end. */
export const shutdownSignal = controller.signal

/** Asks this process to end in good order. Only the first call counts. */
export function shutDown(signal: string, code: number): void {
  if (controller.signal.aborted) return
  since = performance.now()
  controller.abort(new Shutdown(signal, code))
}

/** From now on SIGTERM, SIGINT (Ctrl-C) and SIGHUP (the terminal is gone) end it in good order, a second one at once. */
export function handleSignals(): void {
  for (const [signal, number] of Object.entries(numbers))
    process.on(signal, () => {
      if (!controller.signal.aborted) shutDown(signal, 0)
      else if (performance.now() - since > sameMs) process.exit(128 + number)
    })
}
