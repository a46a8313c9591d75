import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'

import { fullTime } from '../../base/format.ts'
import { Refusal } from '../../base/refusal.ts'
import { shorten } from '../../base/text.ts'
import { clientKind, type Env, router } from '../../http/context.ts'
import { limited } from '../../http/rate-limits.ts'
import { keepsForm, type Redisplay } from '../../http/redisplay.ts'
import { traced } from '../../http/request-span.ts'
import { signedIn } from '../../http/sessions.ts'
import { signInPlace } from '../../http/sign-in-place.ts'
import { form, found, idParam, lines, text } from '../../http/validation.ts'
import { answer, answerProblem, render } from '../../ui/answer.ts'
import { MyNewCount, NewCount } from '../../ui/counts.tsx'
import { draftIn, fieldsOf } from '../../ui/drafts.tsx'
import { Toast } from '../../ui/feed.tsx'
import { page } from '../../ui/layout.tsx'
import { lengthProblem, tooLong, trimmed } from './length.ts'
import { createTweet, deleteTweet, findEarlier, findTweet, type Posted } from './queries.ts'
import { Composer, forgetCards, TweetCard } from './views.tsx'

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
}

export const postPage = (
  c: Context<Env>,
  draft: { msg?: string; key?: string; problem?: string | undefined },
) =>
  page(
    c,
    { title: 'Post', ...(draft.msg && { private: '/post' }) },
    <>
      <h1>Post</h1>
      <Composer {...draft} author={c.var.viewer.id} live={false} focus />
    </>,
  )

const composeAgain: Redisplay = (c, { msg, key }, problems, status) => {
  const draft = {
    msg: msg ?? '',
    problem: problems['msg'] ?? problems['key'] ?? problems['form'],
    ...(key && !problems['key'] && { key }),
  }
  const kind = clientKind(c)
  // Clients of the original application expect 400 here.
  if (kind === 'program' && c.req.path === '/tweet')
    throw new Refusal(400, draft.problem ?? tooLong)
  return answerProblem(c, status, draft.problem ?? tooLong, () =>
    kind === 'partial'
      ? render(c, <Composer {...draft} author={c.var.viewer.id} live />)
      : postPage(c, draft),
  )
}
const post = form(tweet, composeAgain)

async function create(c: Context<Env, string, { out: { form: Posted } }>) {
  const { db, viewer } = c.var
  const posted = c.req.valid('form')
  const id = await createTweet(db, viewer.id, posted)
  if (clientKind(c) === 'program' && c.req.path === '/post') return c.redirect('/timeline', 303)
  const card = found(
    await (id === undefined ? findEarlier(db, viewer.id, posted) : findTweet(db, viewer.id, id)),
  )
  const sentence = id === undefined ? 'Already posted.' : 'Posted.'
  // After a lost answer, the feed does not have the card yet; after Back, it may. Insert it only if it is missing.
  const feed = id === undefined ? `#feed:not(:has(#tweet-${card.id}))` : '#feed'
  const partial = (
    <>
      <Composer author={viewer.id} live focus />
      <hx-partial hx-target={feed} hx-swap='afterbegin'>
        <TweetCard card={card} viewer={viewer} position={1} />
      </hx-partial>
      {id !== undefined && <MyNewCount of='tweets' id={viewer.id} count={viewer.tweetCount + 1} />}
      <Toast>{sentence}</Toast>
    </>
  )
  return answer(c, { partial, to: '/timeline', flash: sentence })
}

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
  const { author, left } = found(await deleteTweet(db, viewer, id))
  forgetCards((card) => card.id === id)
  // On the tweet's own page nothing would be left.
  if (c.req.header('HX-Current-URL')?.endsWith(`/tweet/${id}`)) c.header('HX-Redirect', '/timeline')
  const Left = author === viewer.id ? MyNewCount : NewCount
  const partial = (
    <>
      <Left of='tweets' id={author} count={left} />
      <Toast>Deleted.</Toast>
    </>
  )
  return answer(c, { partial, to: '/timeline', flash: 'Deleted.' })
}

export const tweetRoutes = (signInPage: SignInPage) =>
  router()
    .get('/post', traced('tweets.compose'), signedIn, (c) => postPage(c, {}))
    .post('/post', traced('tweets.create'), ...writing(signInPage), create)
    .post('/tweet', traced('tweets.create'), ...writing(signInPage), create)
    .get('/tweet/:id{[0-9]+}', traced('tweets.read'), idParam, async (c) => {
      const { db, visitor } = c.var
      const card = found(await findTweet(db, visitor?.id ?? 0, c.req.valid('param').id))
      const head = {
        title: shorten(`${card.name}: ${card.msg.replace(/\s+/g, ' ')}`, 80),
        description: card.msg,
        canonical: `/tweet/${card.id}`,
      }
      return page(
        c,
        head,
        <>
          <h1>Post</h1>
          <div class='one'>
            <TweetCard card={card} viewer={visitor} />
            <p class='facts'>
              <time datetime={new Date(card.createdAt).toISOString()}>
                {fullTime(card.createdAt)}
              </time>
              <a href={`/@${card.handle}`}>
                More by <bdi>{card.name}</bdi>
              </a>
            </p>
          </div>
        </>,
      )
    })
    .get('/tweet/:id{[0-9]+}/delete', traced('tweets.confirm'), signedIn, idParam, async (c) => {
      const { db, viewer } = c.var
      const card = found(await findTweet(db, viewer.id, c.req.valid('param').id))
      if (card.userId !== viewer.id && !viewer.operator)
        throw new Refusal(403, 'This post is not yours.')
      return page(
        c,
        { title: 'Delete post', private: c.req.path },
        <>
          <h1>Delete this post?</h1>
          <blockquote class='msg'>{card.msg}</blockquote>
          <form method='post' action={`/tweet/${card.id}/delete`} class='row'>
            <button class='btn danger'>Delete</button>
            <a class='btn quiet' href={`/tweet/${card.id}`}>
              Keep it
            </a>
          </form>
        </>,
      )
    })
    .post(
      '/tweet/:id{[0-9]+}/delete',
      traced('tweets.delete'),
      signedIn,
      limited('LIMIT_WRITE'),
      idParam,
      (c) => remove(c, c.req.valid('param').id),
    )
