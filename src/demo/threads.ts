import threads from './threads.json' with { type: 'json' }

/** A reply, `min` minutes after the tweet that begins its thread; to that tweet, or to reply number `to` (from 1). */
export type Reply = { by: string; min: number; text: string; to?: number }

/** Who answers whom: each thread begins with the tweet of `by` whose text starts with `of`. */
export const conversations: { by: string; of: string; replies: Reply[] }[] = threads
