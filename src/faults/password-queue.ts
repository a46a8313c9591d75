import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

import { occupy } from '../http/password-places.ts'
import type { Fault, Scene } from './fault.ts'

/** The last job in a full queue waits for this part of the longest wait: the jobs before must not give up, either. */
const partOfWait = 0.8

export const passwordQueue: Fault = {
  name: 'password-queue',
  kind: 'process',
  title: 'Full password queue',
  does: 'So many others seem to sign in that sign-ins wait for a place, or are refused.',
  moves:
    'tracewren.work_queue.depth and tracewren.work_queue.wait with queue=password; durations of POST /login and POST /register; where several come at once, 503 with password_queue_full.',
  find: '/routes: POST /login is slow or has errors, all other rows are as before. Its trace has password_queue.wait before password.hash; a refused one has app.error.slug password_queue_full.',
  cure: 'Limit the attempts of one address (LIMIT_LOGIN_CLIENT), or give bcrypt more cores; not a longer queue.',
  strength: { what: 'Places that are taken, but one', unit: '%', min: 1, max: 100, default: 50 },
  start({ passwords, settings, strength }: Scene) {
    // The last place is left: who signs in still finds a place to wait.
    const places = Math.floor(((settings.PASSWORD_QUEUE - 1) * strength) / 100)
    const ended = new AbortController()
    const { signal } = ended
    setMaxListeners(0, signal)
    // Jobs that only last: the CPU is left to the pages, as bcrypt on other cores leaves it.
    const jobMs =
      (partOfWait * settings.PASSWORD_WAIT_MS * settings.passwordConcurrency) /
      settings.PASSWORD_QUEUE
    const job = () => pause(jobMs, undefined, { signal }).catch(() => undefined)
    const refill = () => {
      const missing = signal.aborted ? 0 : places - passwords.queue.depth
      for (let count = 0; count < missing; count++)
        void occupy(passwords.queue, job, signal).finally(() => setImmediate(refill))
    }
    // At first the places where work is done, too.
    for (let count = 0; count < settings.passwordConcurrency; count++)
      void occupy(passwords.queue, job, signal).finally(() => setImmediate(refill))
    refill()
    return () => ended.abort()
  },
}
