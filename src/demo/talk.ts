// What the people of the town write to each other. Each line of the JSON files is one text.
import postRows from './posts.json' with { type: 'json' }
import shareRows from './shares.json' with { type: 'json' }
import threadRows from './threads.json' with { type: 'json' }

/** A post that was written so many days before the first start, at this hour (UTC). */
export type Post = [by: string, daysAgo: number, hour: number, text: string]

/** A reply, `min` minutes after the post that begins its thread; to that post, or to reply number `to` (from 1). */
export type Reply = [by: string, min: number, text: string, to?: number]

/** Who reposts (a handle), or who quotes with which words, `min` minutes after the post. */
export type Share = string | [by: string, min: number, text: string]

/** What happened to the post of `by` whose text starts with `of`. */
type About<T> = [by: string, of: string, ...T[]]

export const posts = postRows as Post[]
export const threads = threadRows as About<Reply>[]
export const shares = shareRows as About<Share>[]
