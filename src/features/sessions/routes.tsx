// Sign up, sign in, sign out.
import type { Context } from 'hono'
import * as v from 'valibot'

import { isCommon } from '../../common-passwords.ts'
import { page } from '../../layout.tsx'
import { clientKey } from '../../rate-limits.ts'
import { Refusal } from '../../refusal.ts'
import { traced } from '../../tracing.ts'
import { endSession, startSession } from '../../viewer.ts'
import { answerProblem, form, query, router, safePath, text, type Env } from '../../web.ts'
import { mailaddress, newPassword, personName } from './fields.ts'
import { createUser, findUser, type User } from './queries.ts'
import { loginPage, type Shown } from './views.tsx'

const registration = { name: personName, mailaddress, password: newPassword }
const credentials = {
  mailaddress: v.pipe(text, v.toLowerCase()),
  password: v.string(),
  next: v.optional(v.string()),
}
const wrong = 'Email address or password is incorrect'

/** Who has this address and this password and may sign in. Takes as long whether or not the address exists. */
async function authenticate(
  c: Context<Env>,
  given: { mailaddress: string; password: string },
): Promise<User | undefined> {
  const user = await findUser(c.var.db, given.mailaddress)
  const matches = await c.var.passwords.matches(given.password, user?.passwordHash)
  const mayEnter = user && !user.suspendedAt && (!user.demo || c.var.settings.demo)
  return matches && mayEnter ? user : undefined
}

const refuse = (c: Context<Env>, shown: Shown) => {
  const sentence = shown.problem ?? Object.values(shown.problems ?? {})[0] ?? wrong
  return answerProblem(c, 422, sentence, () => loginPage(c, shown))
}

const register = form(registration, (c, given, problems) =>
  refuse(c, { given, problems, at: 'register' }),
)
const nextQuery = query({ next: v.optional(v.string()) })

export const sessionRoutes = router()
  .get('/login', traced('sessions.form'), nextQuery, (c) =>
    loginPage(c, { at: 'login', next: c.req.valid('query').next }),
  )
  .get('/register', traced('sessions.form'), (c) => loginPage(c, { at: 'register' }))
  .post('/login', traced('sessions.create'), form(credentials), async (c) => {
    if (c.var.visitor) return c.redirect('/timeline', 303)
    const { next, ...given } = c.req.valid('form')
    await c.var.rateLimits.spend('LIMIT_LOGIN_CLIENT', clientKey(c))
    await c.var.rateLimits.spend(
      'LIMIT_LOGIN_ACCOUNT',
      `${given.mailaddress.slice(0, 120)} ${clientKey(c)}`,
    )
    const user = await authenticate(c, given)
    if (!user) return refuse(c, { given, problem: wrong, next, at: 'login' })
    await startSession(c, user.id)
    return c.redirect(safePath(next), 303)
  })
  .post('/register', traced('sessions.register'), register, async (c) => {
    const { db, settings, passwords, rateLimits, visitor } = c.var
    if (visitor) return c.redirect('/timeline', 303)
    if (settings.REGISTRATION === 'closed') throw new Refusal(403, 'Registration is closed here.')
    await rateLimits.spend('LIMIT_REGISTER', clientKey(c))
    const { password, ...given } = c.req.valid('form')
    if (!settings.demo && isCommon(password, [given.name, given.mailaddress])) {
      return refuse(c, {
        given,
        problems: { password: 'Too many people use this password.' },
        at: 'register',
      })
    }
    const known = await findUser(db, given.mailaddress)
    const id = known
      ? undefined
      : await createUser(db, { ...given, passwordHash: await passwords.hash(password) })
    // Who registers an address again with its right password is let in: two tabs, or a script that always registers.
    const userId = id ?? (await authenticate(c, { ...given, password }))?.id
    if (userId === undefined) {
      return refuse(c, {
        given,
        problem: 'This email address is already registered',
        at: 'register',
      })
    }
    await startSession(c, userId)
    return c.redirect('/timeline', 303)
  })
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
        <form method='post' action='/logout'>
          <button class='btn'>Log out</button>
        </form>
      </>,
    )
  })
  .post('/logout', traced('sessions.end'), async (c) => {
    await endSession(c)
    // Back would show the pages of the one who left.
    c.header('Clear-Site-Data', '"cache"')
    return c.redirect('/', 303)
  })
