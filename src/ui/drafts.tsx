// Drafts: texts that were posted without a session. Hidden fields carry them through the sign-in form, never a URL, a
// cookie or a log, and only their author gets them back.
import type { Context } from 'hono'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { markedUser } from '../http/viewer-mark.ts'

export type Draft = {
  msg: string
  /** The id of the author, from the form or from the cookie of an earlier page; `''` if neither names one. */
  author: string
  /** The idempotency key of its form: the same text with the same key is posted only once. */
  key: string
  /** The id of the tweet that it answers; `''` for none. */
  replyTo: string
  /** The id of the tweet that it quotes; `''` for none. */
  quote: string
}

/** Characters. Percent-encoded, with the sign-in fields, they fit in the body limit; a tweet has 280. */
const draftMax = 5000
const keyMax = 64

/** Parses the form in the body; returns a function from name to text, or `''`. A malformed body: Refusal 400. */
export async function fieldsOf(c: Context<Env>): Promise<(name: string) => string> {
  const fields = await c.req.parseBody().catch(() => {
    throw new Refusal(400, 'This request is malformed.')
  })
  return (name) => {
    const value = fields[name]
    return typeof value === 'string' ? value : ''
  }
}

const idIn = (value: string) => (/^\d{1,15}$/.test(value) ? value : '')

/** The draft in a posted tweet form or sign-in form; undefined if there is none. */
export async function draftIn(c: Context<Env>): Promise<Draft | undefined> {
  if (c.req.method !== 'POST') return undefined
  const field = await fieldsOf(c)
  const isTweet = c.req.path === '/post' || c.req.path === '/tweet'
  const [msg, author] = isTweet
    ? [field('msg'), field('author') || markedUser(c)]
    : [field('draft'), field('draft_author')]
  const [key, replyTo, quote] = ['key', 'reply_to', 'quote'].map((name) =>
    field(isTweet ? name : `draft_${name}`),
  ) as [string, string, string]
  if (!msg.trim()) return undefined
  return {
    msg: msg.replace(/\r\n?/g, '\n').slice(0, draftMax).toWellFormed(),
    author: author.slice(0, 20),
    key: key.length > keyMax ? '' : key,
    replyTo: idIn(replyTo),
    quote: idIn(quote),
  }
}

/** May this user see the draft? A draft without an author did not come from one of our forms: anybody may. */
export const isDraftOf = ({ author }: Draft, userId: number): boolean =>
  author === '' || author === String(userId)

/** Hidden fields that carry the draft through a form. */
export const DraftFields = ({ draft }: { draft: Draft | undefined }) =>
  draft ? (
    <>
      <input type='hidden' name='draft' value={draft.msg} />
      <input type='hidden' name='draft_author' value={draft.author} />
      <input type='hidden' name='draft_key' value={draft.key} />
      {draft.replyTo && <input type='hidden' name='draft_reply_to' value={draft.replyTo} />}
      {draft.quote && <input type='hidden' name='draft_quote' value={draft.quote} />}
    </>
  ) : (
    <></>
  )
