// The orders of a game day, `npm run gameday`. They come over the channel that only the program has that started this process:
// a fault that came over HTTP would be in the traces, and one in the environment or the command line in the process list.
import * as v from 'valibot'

import { shutDown } from '../base/shutdown.ts'
import type { FaultLab } from './lab.ts'

const text = v.optional(v.string())
const orders = v.variant('game', [
  v.object({ game: v.literal('begin') }),
  v.object({
    game: v.literal('start'),
    name: v.string(),
    strength: text,
    route: text,
    share: text,
    seed: text,
    seconds: text,
  }),
  v.object({ game: v.literal('end') }),
])

/** What the process answers to each order: when the fault began or ended (ms UTC), or why it did not. */
export type GameAnswer = { game: 'done'; at: number } | { game: 'refused'; why: string }

/** Lets the program that has started this process play a game day with it; does nothing where there is no channel. */
export function listenForGame(lab: FaultLab): void {
  if (process.send === undefined) return
  process.on('message', (message) => {
    const order = v.safeParse(orders, message)
    // `npm run dev` has such a channel, too, with other messages.
    if (order.success) process.send?.(carriedOut(lab, order.output))
  })
  process.once('disconnect', () => {
    if (!lab.isGame) return
    // The game is gone, whatever became of it.
    lab.endAll('shutdown')
    shutDown('end of the game day', 0)
  })
}

function carriedOut(lab: FaultLab, order: v.InferOutput<typeof orders>): GameAnswer {
  const at = Date.now()
  try {
    if (order.game === 'begin') lab.beginGame()
    else if (order.game === 'end') lab.endAll('game')
    else if (lab.isGame) lab.start(order.name, order, { secret: true })
    else return { game: 'refused', why: 'No game day has begun.' }
    return { game: 'done', at }
  } catch (error) {
    return { game: 'refused', why: error instanceof Error ? error.message : String(error) }
  }
}
