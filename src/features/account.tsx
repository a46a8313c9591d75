// One's own account: name and bio, password, other sessions, the end of it all. Each is a form of its own.
import { and, count, eq, ne } from 'drizzle-orm'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'

import { isCommon } from '../common-passwords.ts'
import type { Db } from '../db.ts'
import { counted } from '../format.ts'
import { page } from '../layout.tsx'
import { limited } from '../rate-limits.ts'
import { Refusal } from '../refusal.ts'
import { sessions, users } from '../schema.ts'
import { traced } from '../tracing.ts'
import { endSession, endSessions, signedIn } from '../viewer.ts'
import { answer, asker, flash, form, router, text, type Env } from '../web.ts'
import { newPassword, personName } from './sessions.tsx'

const bio = v.pipe(text, v.check((value) => [...value].length <= 160, 'A bio has up to 160 characters.'))

const otherSessions = async (db: Db, userId: number, tokenHash: string) => {
  const mine = and(eq(sessions.userId, userId), ne(sessions.tokenHash, tokenHash))
  return (await db.select({ count: count() }).from(sessions).where(mine).get())?.count ?? 0
}

type Problems = Record<string, string>

async function accountPage(c: Context<Env>, given: Record<string, string> = {}, problems: Problems = {}) {
  const { db, viewer } = c.var
  const others = await otherSessions(db, viewer.id, viewer.tokenHash)
  return page(c, { title: 'Account' }, (
    <>
      <h1>Account</h1>
      <ProfileForm name={given['name'] ?? viewer.name} bio={given['bio'] ?? viewer.bio} problems={problems} />
      <PasswordForm mailaddress={viewer.mailaddress} problems={problems} />
      <SessionsForm others={others} />
      <DeleteForm problems={problems} />
    </>
  ))
}

const Problem = ({ id, children }: { id: string; children: string | undefined }) =>
  children ? (
    <span class='problem' id={id} role='alert'>
      {children}
    </span>
  ) : (
    <></>
  )

const ProfileForm = ({ name, bio: shown, problems }: { name: string; bio: string; problems: Problems }) => (
  <form class='card door' method='post' action='/account/profile'>
    <h2>Profile</h2>
    <p class='field'>
      <label for='name'>Name</label>
      <input id='name' name='name' value={name} required autocomplete='name' aria-describedby='name-problem' />
      <Problem id='name-problem'>{problems['name']}</Problem>
    </p>
    <p class='field'>
      <label for='bio'>Bio</label>
      <textarea id='bio' name='bio' rows={3} aria-describedby='bio-problem'>
        {shown}
      </textarea>
      <Problem id='bio-problem'>{problems['bio']}</Problem>
    </p>
    <button class='btn'>Save</button>
  </form>
)

const PasswordForm = ({ mailaddress, problems }: { mailaddress: string; problems: Problems }) => (
  <form class='card door' method='post' action='/account/password'>
    <h2>Password</h2>
    <input type='hidden' name='username' value={mailaddress} autocomplete='username' />
    <p class='field'>
      <label for='current'>Current password</label>
      <input id='current' name='current' type='password' required autocomplete='current-password' aria-describedby='current-problem' />
      <Problem id='current-problem'>{problems['current']}</Problem>
    </p>
    <p class='field'>
      <label for='fresh'>New password</label>
      <input id='fresh' name='fresh' type='password' required autocomplete='new-password' aria-describedby='fresh-problem' />
      <Problem id='fresh-problem'>{problems['fresh']}</Problem>
    </p>
    <p class='hint'>Changing it signs you out everywhere else.</p>
    <button class='btn'>Change password</button>
  </form>
)

const SessionsForm = ({ others }: { others: number }) => (
  <form class='card door' method='post' action='/account/sessions'>
    <h2>Sessions</h2>
    <p>You are signed in here{others > 0 ? ` and in ${counted(others, 'other place')}` : ' and nowhere else'}.</p>
    <button class='btn quiet'>Sign out everywhere else</button>
  </form>
)

const DeleteForm = ({ problems }: { problems: Problems }) => (
  <form class='card door' method='post' action='/account/delete'>
    <h2>Delete account</h2>
    <p>Your profile, tweets, likes and follows are deleted for good.</p>
    <p class='field'>
      <label for='farewell'>Password</label>
      <input id='farewell' name='farewell' type='password' required autocomplete='current-password' aria-describedby='farewell-problem' />
      <Problem id='farewell-problem'>{problems['farewell']}</Problem>
    </p>
    <button class='btn danger'>Delete my account</button>
  </form>
)

const refuse = (c: Context<Env>, given: Record<string, string>, problems: Problems) => {
  if (asker(c) === 'program') throw new Refusal(422, Object.values(problems)[0] ?? 'Something is wrong with the form.')
  c.status(422)
  return accountPage(c, given, problems)
}

const done = (c: Context<Env>, sentence: string) =>
  answer(c, { partial: <p class='toast'>{sentence}</p>, to: '/account', flash: sentence })

/** Everybody knows the passwords of the demo accounts: nobody may lock the others out. */
const notDemo = createMiddleware<Env>(async (c, next) => {
  if (c.var.viewer.demo) throw new Refusal(403, 'A demo account keeps its password and cannot be deleted.')
  await next()
})

async function isOwnPassword(c: Context<Env>, password: string): Promise<boolean> {
  const { db, viewer, passwords } = c.var
  const row = await db.select({ passwordHash: users.passwordHash }).from(users).where(eq(users.id, viewer.id)).get()
  return passwords.matches(password, row?.passwordHash)
}

export const accountRoutes = router()
  .get('/account', traced('account.read'), signedIn, (c) => accountPage(c))
  .post('/account/profile', traced('account.update'), signedIn, limited('LIMIT_ACCOUNT'), form({ name: personName, bio }, refuse), async (c) => {
    const { name, bio: written } = c.req.valid('form')
    await c.var.db.update(users).set({ name, bio: written }).where(eq(users.id, c.var.viewer.id))
    return done(c, 'Saved.')
  })
  .post(
    '/account/password',
    traced('account.password'),
    signedIn,
    notDemo,
    limited('LIMIT_ACCOUNT'),
    form({ current: v.string(), fresh: newPassword }, refuse),
    async (c) => {
      const { db, viewer, passwords, settings } = c.var
      const { current, fresh } = c.req.valid('form')
      if (!(await isOwnPassword(c, current))) return refuse(c, {}, { current: 'That is not your password.' })
      if (!settings.demo && isCommon(fresh, [viewer.name, viewer.mailaddress])) {
        return refuse(c, {}, { fresh: 'Too many people use this password.' })
      }
      await db.update(users).set({ passwordHash: await passwords.hash(fresh) }).where(eq(users.id, viewer.id))
      await endSessions(db, viewer.id, viewer.tokenHash)
      return done(c, 'Password changed. You are signed out everywhere else.')
    },
  )
  .post('/account/sessions', traced('account.sessions'), signedIn, limited('LIMIT_ACCOUNT'), async (c) => {
    await endSessions(c.var.db, c.var.viewer.id, c.var.viewer.tokenHash)
    return done(c, 'Signed out everywhere else.')
  })
  .post('/account/delete', traced('account.delete'), signedIn, notDemo, limited('LIMIT_ACCOUNT'), form({ farewell: v.string() }, refuse), async (c) => {
    if (!(await isOwnPassword(c, c.req.valid('form').farewell))) return refuse(c, {}, { farewell: 'That is not your password.' })
    await endSession(c)
    await c.var.db.delete(users).where(eq(users.id, c.var.viewer.id))
    c.header('Clear-Site-Data', '"cache"')
    flash(c, 'Your account is deleted.')
    return asker(c) === 'program' ? c.json({ success: true }) : c.redirect('/', 303)
  })
