import { fileOnly, secondConnection } from './database-place.ts'
import type { Fault } from './fault.ts'

export const heldMsMax = 4000
/** Between two holds at least: writes get their turn. */
export const freeMs = 1000
const tryAgainMs = 5

export const heldLock: Fault = {
  name: 'held-lock',
  kind: 'database',
  title: 'Held write lock',
  does: 'Another connection holds the write lock of the database for a while, again and again, with a second or more between.',
  moves:
    'Durations of all actions that write; tracewren.work_queue.wait and tracewren.work_queue.depth with queue=write; where it lasts too long, 503 with write_queue_full. Reads are as before.',
  find: '/routes: the POST rows are slow, the GET rows are not. In a trace of POST /tweet most of the time is write_lock.wait, or write_queue.wait behind another write.',
  cure: 'Find who holds a transaction open: a backup, a shell, a long migration. Keep write transactions short.',
  strength: { what: 'Held at a time', unit: 'ms', min: 100, max: heldMsMax, default: 2000 },
  refusal: fileOnly,
  start(scene) {
    const connection = secondConnection(scene)
    const release = () => {
      if (connection.inTransaction) connection.exec('ROLLBACK')
    }
    let timer: NodeJS.Timeout
    const later = (ms: number, work: () => void) => {
      timer = setTimeout(work, ms).unref()
    }
    const hold = () => {
      try {
        connection.exec('BEGIN IMMEDIATE')
      } catch {
        return later(tryAgainMs, hold) // somebody writes
      }
      later(scene.strength, () => {
        release()
        later(freeMs * (1 + scene.random()), hold)
      })
    }
    hold()
    return () => {
      clearTimeout(timer)
      release()
      connection.close()
    }
  },
}
