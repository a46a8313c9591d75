import { setTimeout as pause } from 'node:timers/promises'

import { fileOnly } from './database-place.ts'
import type { Fault } from './fault.ts'

export const slowCommit: Fault = {
  name: 'slow-commit',
  kind: 'database',
  title: 'Slow commit',
  does: 'Every write takes longer until it is on the disk, and the next one waits for it.',
  moves:
    'db.client.operation.duration of INSERT, UPDATE and DELETE; with several writers tracewren.work_queue.wait with queue=write. Reads are as before.',
  find: '/routes?by=query: all rows that write have the same time more, at every percentile; those that read have not.',
  cure: 'Look at the disk (iostat): a full, slow or shared one. Write several things in one transaction.',
  strength: { what: 'Longer for each write', unit: 'ms', min: 1, max: 2000, default: 150 },
  refusal: fileOnly,
  start({ database: { commits }, strength }) {
    const ended = new AbortController()
    if (commits)
      commits.afterwards = () =>
        pause(strength, undefined, { signal: ended.signal }).catch(() => undefined)
    return () => {
      ended.abort()
      if (commits) commits.afterwards = undefined
    }
  },
}
