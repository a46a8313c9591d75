// Words that were sent without a session: they go through the sign-in form in hidden fields, never in an address, a
// cookie or a log, and come back to their author alone.
import type { Context } from 'hono'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { markedUser } from '../http/viewer-mark.ts'

export type Draft = {
  msg: string
  /** The id of who wrote it, as the form says; `''` when it does not, and no page before did. */
  author: string
  /** Its form's key: the same words sent again are the same tweet. */
  key: string
}

/** So many characters fit in any body, percent-encoded, beside the fields of the sign-in form: a tweet has 280. */
const draftMax = 5000
const keyMax = 64

/** The text fields of the form in the body; none when there is no form. */
export async function fieldsOf(c: Context<Env>): Promise<(name: string) => string> {
  const fields = await c.req.parseBody().catch(() => {
    throw new Refusal(400, 'This request is malformed.')
  })
  return (name) => {
    const value = fields[name]
    return typeof value === 'string' ? value : ''
  }
}

/** The draft that a form for tweets or the sign-in form holds. */
export async function draftIn(c: Context<Env>): Promise<Draft | undefined> {
  if (c.req.method !== 'POST') return undefined
  const field = await fieldsOf(c)
  const isTweet = c.req.path === '/post' || c.req.path === '/tweet'
  const [msg, author, key] = isTweet
    ? [field('msg'), field('author') || markedUser(c), field('key')]
    : [field('draft'), field('draft_author'), field('draft_key')]
  if (!msg.trim()) return undefined
  const text = msg.replace(/\r\n?/g, '\n').slice(0, draftMax).toWellFormed()
  return { msg: text, author: author.slice(0, 20), key: key.length > keyMax ? '' : key }
}

/** May this user see it? Whoever signs in, when nothing says who wrote it: then it came without any form of ours. */
export const isDraftOf = ({ author }: Draft, userId: number): boolean =>
  author === '' || author === String(userId)

/** The fields that carry it through a form. */
export const DraftFields = ({ draft }: { draft: Draft | undefined }) =>
  draft ? (
    <>
      <input type='hidden' name='draft' value={draft.msg} />
      <input type='hidden' name='draft_author' value={draft.author} />
      <input type='hidden' name='draft_key' value={draft.key} />
    </>
  ) : (
    <></>
  )
