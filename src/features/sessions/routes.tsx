// Sign up, sign in, sign out.
import type { Context } from 'hono'
import * as v from 'valibot'

import { normalAddress } from '../../base/mail-address.ts'
import { Refusal } from '../../base/refusal.ts'
import { type Env, ownPath, router } from '../../http/context.ts'
import { findInvitation } from '../../http/invitations.ts'
import { clientKey, limitedMistakes } from '../../http/rate-limits.ts'
import { keepsForm, type Redisplay } from '../../http/redisplay.ts'
import { traced } from '../../http/request-span.ts'
import { endSession } from '../../http/sessions.ts'
import { form, nextPath, query, text } from '../../http/validation.ts'
import { markOf } from '../../http/viewer-mark.ts'
import { inBackground } from '../../telemetry/spans.ts'
import { answerProblem } from '../../ui/answer.ts'
import { page } from '../../ui/layout.tsx'
import { arrive } from './arrival.ts'
import { invited, openToAll, refuseInvitation, spent } from './invited.ts'
import { findUser, renewPassword, type Taken, type User } from './queries.ts'
import { makeAccount, notCommon, registration, typed } from './sign-up.ts'
import { formAgain, loginPage } from './views.tsx'

const credentials = {
  mailaddress: v.pipe(text, v.toLowerCase()),
  password: v.string(),
  next: nextPath,
}

type Credentials = { mailaddress: string; password: string }

const wrongCredentials = 'Email address or password is incorrect'

/** The user with this address and password, if they may sign in. Takes the same time if the address does not exist. */
async function authenticate(c: Context<Env>, given: Credentials): Promise<User | undefined> {
  const { db, passwords, rateLimits, settings } = c.var
  const client = clientKey(c)
  await rateLimits.spend('LIMIT_LOGIN_CLIENT', client)
  await rateLimits.spend(
    'LIMIT_LOGIN_ACCOUNT',
    `${normalAddress(given.mailaddress).slice(0, 120)} ${client}`,
  )
  const user = await findUser(db, given.mailaddress)
  const matches = await passwords.matches(given.password, user?.passwordHash, c.req.raw.signal)
  const mayEnter = user && !user.suspendedAt && (!user.demo || settings.demo)
  if (!matches || !mayEnter) return undefined
  if (matches === 'raw')
    inBackground('sessions.rehash', async () =>
      renewPassword(db, user, await passwords.hash(given.password)),
    )
  return user
}

/** Shows one of the two forms again: field errors at their fields, all others above the form. */
const showAgain =
  (at: 'login' | 'register'): Redisplay =>
  (c, given, { form: problem, ...problems }, status) => {
    const sentence = problem ?? Object.values(problems)[0] ?? wrongCredentials
    const above = at === 'login' ? sentence : problem
    const { next, invitation } = given
    const shown = { given, problem: above, problems, at, next: ownPath(next), invitation }
    return answerProblem(c, status, sentence, () => formAgain(c, shown))
  }
const loginAgain = showAgain('login')
const registerAgain = showAgain('register')

/** Who has made their account with this very form before. */
async function returning(c: Context<Env>, given: Credentials, taken: Taken) {
  const isKnown = taken === 'mailaddress' || (await findUser(c.var.db, given.mailaddress))
  return isKnown ? authenticate(c, given) : undefined
}

const nextQuery = query({ next: nextPath })

/** Redirects users who are signed in already. */
const signInPage = async (c: Context<Env>, at: 'login' | 'register', next: string | undefined) =>
  c.var.visitor ? c.redirect(next ?? '/timeline', 302) : loginPage(c, { at, next })

export const sessionRoutes = router()
  .get('/login', traced('sessions.form'), nextQuery, (c) =>
    signInPage(c, 'login', c.req.valid('query').next),
  )
  .get('/register', traced('sessions.form'), nextQuery, async (c) => {
    const { next } = c.req.valid('query')
    // Not declared as a parameter, so that it is nowhere recorded.
    const invitation = c.req.query('invitation')
    if (!invitation || c.var.visitor) return signInPage(c, 'register', next)
    if (await findInvitation(c.var.db, invitation))
      return loginPage(c, { at: 'register', next, invitation })
    if (c.var.settings.REGISTRATION === 'closed')
      throw new Refusal(403, spent, { code: 'not_invited' })
    return loginPage(c, { at: 'register', next, problem: `${spent} You can sign up without one.` })
  })
  .post(
    '/login',
    traced('sessions.create'),
    keepsForm(loginAgain),
    form(credentials, loginAgain),
    async (c) => {
      const { next, ...given } = c.req.valid('form')
      const user = await authenticate(c, given)
      if (user) return arrive(c, user.id, next)
      return loginAgain(c, { ...given, ...(next && { next }) }, { form: wrongCredentials }, 422)
    },
  )
  .post(
    '/register',
    traced('sessions.register'),
    openToAll,
    keepsForm(registerAgain),
    limitedMistakes('LIMIT_REGISTER_ATTEMPT'),
    invited(registerAgain),
    form(registration, registerAgain),
    notCommon(registerAgain),
    limitedMistakes('LIMIT_REGISTER_PROBE'),
    async (c) => {
      const { next, ...given } = c.req.valid('form')
      // Who registers an address again with its right password is let in: two tabs, or a script that always registers.
      const made = await makeAccount(c, given)
      const userId = typeof made === 'number' ? made : (await returning(c, given, made))?.id
      if (userId !== undefined) return arrive(c, userId, next)
      if (made === 'invitation') return refuseInvitation(c, registerAgain)
      const problems =
        made === 'handle'
          ? { handle: 'Somebody has this handle, or has had it.' }
          : { mailaddress: 'This email address is already registered' }
      return registerAgain(c, typed({ ...given, next }), problems, 422)
    },
  )
  .get('/logout', traced('sessions.leave'), async (c) => {
    const isBrowser =
      c.req.header('Accept')?.includes('text/html') || c.req.header('Sec-Fetch-Site') !== undefined
    if (!isBrowser) {
      await endSession(c)
      return c.redirect('/', 302)
    }
    return page(
      c,
      { title: 'Logout' },
      <>
        <h1>Log out?</h1>
        <form class='card door' method='post' action='/logout'>
          <button class='btn'>Log out</button>
        </form>
      </>,
    )
  })
  .post('/logout', traced('sessions.end'), async (c) => {
    await endSession(c)
    // Without this, Back would show the pages of the user who has logged out.
    c.header('Clear-Site-Data', '"cache"')
    return c.redirect('/', 303)
  })
  .get('/session', traced('sessions.check'), query({ changed: v.optional(v.string()) }), (c) => {
    // The previous page is in the back/forward cache only now, not yet when its form was answered.
    const forgets = c.req.valid('query').changed !== undefined
    if (forgets && c.req.header('Sec-Fetch-Site') === 'same-origin')
      c.header('Clear-Site-Data', '"cache"')
    c.header('Cache-Control', 'private, no-store')
    return c.text(markOf(c.var.visitor))
  })
