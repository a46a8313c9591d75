// Writing a tweet, a reply or a quote: the form, and what its sender gets.
import type { Context } from 'hono'
import * as v from 'valibot'

import { Refusal } from '../../base/refusal.ts'
import { clientKind, type Env } from '../../http/context.ts'
import type { Viewer } from '../../http/sessions.ts'
import { form, found, lines, query, text } from '../../http/validation.ts'
import { answer, answerProblem, render } from '../../ui/answer.ts'
import { MyNewCount } from '../../ui/counts.tsx'
import { Toast } from '../../ui/feed.tsx'
import { page } from '../../ui/layout.tsx'
import { Composer } from './composer.tsx'
import { lengthProblem, tooLong, trimmed } from './length.ts'
import { findNew, findTweet, linksOf, type Card } from './queries.ts'
import { asQuoted, QuotedTweet } from './quotes.tsx'
import { ReplyLink, TweetCard } from './views.tsx'
import { createTweet, findEarlier, type Posted } from './writes.ts'

/** An optional field with the id of a tweet; empty is none. */
const targetId = (problem: string) =>
  v.optional(
    v.pipe(
      text,
      v.regex(/^\d{0,15}$/, problem),
      v.transform((id) => (id === '' ? undefined : Number(id))),
    ),
  )

const tweet = {
  msg: v.pipe(
    lines,
    v.transform(trimmed),
    v.check(
      (msg) => lengthProblem(msg) === undefined,
      ({ input }) => lengthProblem(input)!,
    ),
  ),
  key: v.optional(v.pipe(text, v.maxLength(64, 'The key of this form is too long.'))),
  reply_to: targetId('The post that this replies to is given by its number.'),
  quote: targetId('The post that this quotes is given by its number.'),
}
/** The query of the page to write on: what it quotes. */
export const composeQuery = query({ quote: tweet.quote })

const gone = (what: string) =>
  `The post that this ${what} is gone. Your text is still here: you can post it on its own.`

type DraftOnPage = {
  msg?: string
  key?: string
  problem?: string | undefined
  replyTo?: number
  quote?: number
}

/** The page with nothing but the form, and the tweet that is quoted. */
export async function postPage(c: Context<Env>, draft: DraftOnPage, known?: Card) {
  const { db, viewer } = c.var
  const quoted = known ?? (draft.quote ? await findTweet(db, viewer.id, draft.quote) : undefined)
  const title = draft.replyTo ? 'Reply' : draft.quote ? 'Quote' : 'Post'
  return page(
    c,
    { title, ...(draft.msg && { private: '/post' }) },
    <>
      <h1>{title}</h1>
      {draft.replyTo && (
        <p class='newer'>
          <a href={`/tweet/${draft.replyTo}`}>The post that you reply to</a>
        </p>
      )}
      <Composer {...draft} author={viewer.id} live={false} focus />
      {draft.quote && (
        <QuotedTweet quoteOf={draft.quote} quoted={quoted ? asQuoted(quoted) : null} />
      )}
    </>,
  )
}

/** The page to quote a tweet; of a retweet, its original. */
export async function quotePage(c: Context<Env>, id: number) {
  const quoted = found(await findTweet(c.var.db, c.var.viewer.id, id))
  return postPage(c, { quote: quoted.id }, quoted)
}

const fieldsShown = ['msg', 'key', 'reply_to', 'quote', 'form']
const isId = (value = '') => /^\d{1,15}$/.test(value)

/** Shows the form again with what was typed. */
export const composeAgain = (
  c: Context<Env>,
  { msg, key, reply_to: target, quote }: Record<string, string | undefined>,
  problems: Record<string, string>,
  status: 403 | 404 | 422 | 429,
) => {
  const problem = fieldsShown.map((name) => problems[name]).find(Boolean)
  const draft = {
    msg: msg ?? '',
    problem,
    ...(key && !problems['key'] && { key }),
    // Not where that cannot be: the words may be posted on their own.
    ...(status !== 403 && isId(target) && { replyTo: Number(target) }),
    ...(status !== 403 && isId(quote) && { quote: Number(quote) }),
  }
  const kind = clientKind(c)
  // Clients of the original application expect 400 here.
  if (kind === 'program' && c.req.path === '/tweet')
    throw new Refusal(status === 404 ? 404 : 400, problem ?? tooLong)
  // Without its target, the text belongs to no list of this page.
  const live = status !== 404
  return answerProblem(c, status, problem ?? tooLong, () =>
    kind === 'partial'
      ? render(c, <Composer {...draft} author={c.var.viewer.id} live={live} />)
      : postPage(c, draft),
  )
}
/** Validates the form. */
export const post = form(tweet, composeAgain)

/** Writes what the form says. */
export async function create(c: Context<Env, string, { out: { form: Posted } }>) {
  const { db, viewer } = c.var
  const posted = c.req.valid('form')
  const { reply_to: answered, quote, ...words } = posted
  if (answered !== undefined && quote !== undefined)
    return composeAgain(c, words, { form: 'A post replies to one or quotes one, not both.' }, 422)
  const target = answered ?? quote
  const id = await createTweet(db, viewer.id, posted)
  if (id !== undefined) c.var.previews?.add(id, posted.msg)
  const isOldForm = clientKind(c) === 'program' && c.req.path === '/post'
  if (isOldForm && (id !== undefined || target === undefined)) return c.redirect('/timeline', 303)
  const { card, parent }: { card?: Card | undefined; parent?: Card | undefined } =
    id === undefined
      ? { card: await findEarlier(db, viewer.id, posted) }
      : await findNew(db, viewer.id, id)
  if (card === undefined && target !== undefined)
    return composeAgain(
      c,
      words,
      { form: gone(quote === undefined ? 'replies to' : 'quotes') },
      404,
    )
  if (isOldForm) return c.redirect('/timeline', 303)
  const shown = found(card)
  const { replyTo, quoteOf } = linksOf(shown)
  return answer(c, {
    ...written({ card: shown, parent, isNew: id !== undefined, viewer }),
    json: {
      ...(replyTo !== null && { reply_to: replyTo }),
      ...(quoteOf !== null && { quote: quoteOf }),
    },
  })
}

type Written = { card: Card; parent: Card | undefined; isNew: boolean; viewer: Viewer }

/** What a page gets that has sent a tweet: a fresh form, its card, the new counts. */
function written({ card, parent, isNew, viewer }: Written) {
  const sentence = isNew ? 'Posted.' : 'Already posted.'
  const replyTo = linksOf(card).replyTo ?? undefined
  const to: `/${string}` =
    replyTo === undefined ? '/timeline' : `/tweet/${replyTo}?through=${card.id}#tweet-${card.id}`
  // After a lost answer, the feed does not have the card yet; after Back, it may. Insert it only if it is missing.
  const isMissing = isNew ? '' : `:not(:has(#tweet-${card.id}))`
  const partial = (
    <>
      <Composer author={viewer.id} replyTo={replyTo} live focus />
      <hx-partial
        hx-target={(replyTo === undefined ? '#feed' : wholeFeed) + isMissing}
        hx-swap={replyTo === undefined ? 'afterbegin' : 'beforeend'}
      >
        <TweetCard card={card} viewer={viewer} position={1} inThread />
      </hx-partial>
      {replyTo !== undefined && (
        <hx-partial hx-target='#more:not(.end)' hx-swap='beforebegin'>
          <p class='newer'>
            <a href={to}>Your reply is at the end</a>
          </p>
        </hx-partial>
      )}
      {parent && <NewReplyCount {...parent} />}
      {isNew && <MyNewCount of='tweets' id={viewer.id} count={viewer.tweetCount + 1} />}
      <Toast>{sentence}</Toast>
    </>
  )
  return { partial, to, flash: sentence }
}

/** A reply comes last, so only in a list that is loaded to its end; in another one, a link leads to it. */
const wholeFeed = '#feed:has(~ #more.end)'

/** The new number of replies to a tweet, for a page that shows it. */
export const NewReplyCount = ({ id, replyCount }: Pick<Card, 'id' | 'replyCount'>) => (
  <hx-partial hx-target={`[data-tweet-id="${id}"] .reply`} hx-swap='outerHTML'>
    <ReplyLink id={id} replyCount={replyCount} />
  </hx-partial>
)
