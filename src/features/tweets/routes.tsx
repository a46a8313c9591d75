import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../../base/refusal.ts'
import { action } from '../../http/action.ts'
import { clientKind, type Env, router } from '../../http/context.ts'
import { limited } from '../../http/rate-limits.ts'
import { keepsForm } from '../../http/redisplay.ts'
import { traced } from '../../http/request-span.ts'
import { signedIn } from '../../http/sessions.ts'
import { signInPlace } from '../../http/sign-in-place.ts'
import { found, idParam } from '../../http/validation.ts'
import { answer } from '../../ui/answer.ts'
import { MyNewCount, NewCount } from '../../ui/counts.tsx'
import { draftIn, fieldsOf } from '../../ui/drafts.tsx'
import { oldestFirstQuery, sliceOf, Toast } from '../../ui/feed.tsx'
import { page } from '../../ui/layout.tsx'
import {
  composeAgain,
  composeQuery,
  create,
  NewReplyCount,
  post,
  postPage,
  quotePage,
} from './compose.tsx'
import { findTweet } from './queries.ts'
import { passedBy } from './quotes.tsx'
import { threadPage } from './thread.tsx'
import { forgetTweet, whatGoes } from './views.tsx'
import { deleteTweet } from './writes.ts'

/** Renders the sign-in page. A parameter, because sessions/ imports this feature, and imports go in one direction. */
type SignInPage = (c: Context<Env>, shown: { next: string }) => Promise<Response>

/** Answers a browser that posts without a session with the sign-in form, which carries the text. */
const keepDraft = (signInPage: SignInPage) =>
  createMiddleware<Env>(async (c, next) => {
    if (c.var.visitor || clientKind(c) !== 'page' || !(await draftIn(c))) return next()
    c.set('errorCode', 'signed_out')
    c.status(401)
    return signInPage(c, { next: signInPlace(c) })
  })

/** Refuses to post the text of one user as another who has signed in since. */
const sameAuthor = createMiddleware<Env>(async (c, next) => {
  const author = (await fieldsOf(c))('author')
  if (/\D/.test(author))
    throw new Refusal(400, 'The author is the id of a user.', { code: 'bad_field' })
  if (author && author !== String(c.var.viewer.id)) {
    const sentence =
      'Somebody else is signed in here now, so this was not posted. Go back to copy your text, then log in again.'
    throw new Refusal(409, sentence, { code: 'other_author' })
  }
  await next()
})

const writing = (signInPage: SignInPage) =>
  [
    keepDraft(signInPage),
    signedIn,
    sameAuthor,
    keepsForm(composeAgain),
    limited('LIMIT_WRITE'),
    post,
  ] as const

async function remove(c: Context<Env>, id: number) {
  const { db, viewer } = c.var
  const gone = found(await deleteTweet(db, viewer, id))
  const { author, left, replyTo, repliesLeft } = gone
  forgetTweet(id)
  const hasParent = replyTo !== null && repliesLeft !== null
  const to = hasParent ? (`/tweet/${replyTo}` as const) : '/timeline'
  // On the tweet's own page nothing would be left.
  const isOwnPage = new RegExp(`/tweet/${id}(?:[?#]|$)`).test(c.req.header('HX-Current-URL') ?? '')
  if (isOwnPage) c.header('HX-Redirect', to)
  const Left = author === viewer.id ? MyNewCount : NewCount
  const partial = (
    <>
      <hx-partial hx-target={`[data-tweet-id="${id}"]`} hx-swap='delete'></hx-partial>
      <Left of='tweets' id={author} count={left} />
      {hasParent && <NewReplyCount id={replyTo} replyCount={repliesLeft} />}
      <Toast>Deleted.</Toast>
    </>
  )
  return answer(c, { partial, to, flash: 'Deleted.' })
}

/** Asks before a deletion. Of a retweet, the row itself is deleted: its original stays. */
async function askToDelete(c: Context<Env>, id: number) {
  const { db, viewer } = c.var
  const card = found(await findTweet(db, viewer.id, id))
  const isRetweet = card.row !== card.id
  const owner = isRetweet ? passedBy(card) : card.userId
  if (owner !== viewer.id && !viewer.operator) throw new Refusal(403, 'This post is not yours.')
  return page(
    c,
    { title: isRetweet ? 'Delete repost' : 'Delete post', private: c.req.path },
    <>
      <h1>Delete this {isRetweet ? 'repost' : 'post'}?</h1>
      <blockquote class='msg'>{card.msg}</blockquote>
      <p class='empty-state'>{isRetweet ? 'The post stays.' : whatGoes(card)}</p>
      <form method='post' action={`/tweet/${id}/delete`} class='row'>
        <button class='btn danger'>Delete</button>
        <a class='btn quiet' href={`/tweet/${card.id}`}>
          Keep it
        </a>
      </form>
    </>,
  )
}

export const tweetRoutes = (signInPage: SignInPage) =>
  router()
    .get('/post', traced('tweets.compose'), signedIn, composeQuery, (c) => {
      const { quote } = c.req.valid('query')
      return quote === undefined ? postPage(c, {}) : quotePage(c, quote)
    })
    .post('/post', traced('tweets.create'), ...writing(signInPage), create)
    .post('/tweet', traced('tweets.create'), ...writing(signInPage), create)
    .get('/tweet/:id{[0-9]+}', traced('tweets.read'), idParam, oldestFirstQuery, (c) =>
      threadPage(c, c.req.valid('param').id, sliceOf(c.req.valid('query'))),
    )
    .get('/tweet/:id{[0-9]+}/delete', traced('tweets.confirm'), signedIn, idParam, (c) =>
      askToDelete(c, c.req.valid('param').id),
    )
    .post('/tweet/:id{[0-9]+}/delete', traced('tweets.delete'), ...action, (c) =>
      remove(c, c.req.valid('param').id),
    )
