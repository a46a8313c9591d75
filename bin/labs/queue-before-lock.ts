import { setTimeout as pause } from 'node:timers/promises'

import type { App, Seen } from './app.ts'
import { faultPhases, finding, inMs, isOf, rootOf, traceFinding, type Lab } from './lab.ts'

const title = 'POST /favorite/:id'
const longMs = 500
/** So long the traffic tries to meet the lock. */
const roundsMs = 30_000
const tracesRead = 24

export const queueBeforeLock: Lab = {
  number: 5,
  title: 'The queue before the lock',
  page: '05-queue-before-lock',
  async traffic(send, { app }) {
    await send.signIn()
    const active = await app.lastActive('held-lock')
    const isHeld = active !== undefined && active.ended === undefined
    const giveUp = performance.now() + roundsMs
    const likes = [1, 2, 3, 4, 5, 6].map((id) => `/favorite/${id}`)
    let rounds = 0
    // The lock is held now and then: rounds until one has met it.
    for (let hasMet = false; !hasMet; rounds++) {
      if (rounds > 0) await pause(100)
      const sent = await Promise.all(likes.map((path) => send.send(path, { post: true })))
      const isSlow = sent.some(({ ms }) => ms >= longMs)
      hasMet =
        !isHeld ||
        performance.now() > giveUp ||
        (isSlow && isSeen(await longestWaits(app, await likesSince(app, active.began))))
    }
    return `Liked 6 posts at once, ${rounds} ${rounds === 1 ? 'time' : 'times'}.`
  },
  async check(app, traceId) {
    const { phases, opening, closing } = await faultPhases(app, {
      number: 5,
      fault: 'held-lock',
      start: 'npm run fault -- held-lock --strength 2000',
      title,
      least: 6,
    })
    const waits = await longestWaits(app, phases.during)
    return [
      ...opening,
      finding(
        isSeen(waits),
        `One like waited for the lock (${inMs(waits.lock)}), and others in the queue before it (${inMs(waits.queue)}).`,
        'No likes have waited both for the lock and in the queue before it: `npm run lab -- 5 --traffic`',
      ),
      await traceFinding(
        app,
        { traceId, number: 5, right: 'You found a like that only waited.' },
        (spans) => {
          if (!isOf(spans, title)) return 'This trace is not that of a like.'
          const waited = Math.max(0, ...spans.filter(isWait).map(({ ms }) => ms))
          return waited > (rootOf(spans)?.ms ?? 0) / 2
            ? undefined
            : 'In this trace waiting is not most of the time.'
        },
      ),
      ...closing,
    ]
  },
}

type Waits = { lock: number; queue: number }
const isSeen = ({ lock, queue }: Waits) => lock >= longMs && queue >= longMs

const likesSince = async (app: App, began: number) =>
  (await app.requests({ q: title, slower: String(longMs) })).filter(({ at }) => at >= began)

const isWait = ({ name }: { name: string }) =>
  name === 'write_lock.wait' || name === 'write_queue.wait'

async function longestWaits(app: App, requests: Seen[]): Promise<Waits> {
  const longest = { lock: 0, queue: 0 }
  const slowest = requests.toSorted((one, other) => other.ms - one.ms).slice(0, tracesRead)
  for (const { traceId } of slowest)
    for (const { name, ms } of (await app.trace(traceId))?.spans ?? []) {
      if (name === 'write_lock.wait') longest.lock = Math.max(longest.lock, ms)
      if (name === 'write_queue.wait') longest.queue = Math.max(longest.queue, ms)
    }
  return longest
}
