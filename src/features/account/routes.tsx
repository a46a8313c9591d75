// The account page: name and bio, password, other sessions, deletion. Each has its own form.
import { eq } from 'drizzle-orm'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'

import { Refusal } from '../../base/refusal.ts'
import { deleteAccount } from '../../db/deletions.ts'
import { whyNoHandle } from '../../db/handles.ts'
import { users } from '../../db/schema/index.ts'
import { together } from '../../db/together.ts'
import { isCommon } from '../../http/common-passwords.ts'
import { clientKind, type Env, router } from '../../http/context.ts'
import { limited } from '../../http/rate-limits.ts'
import { keepsForm, type Redisplay } from '../../http/redisplay.ts'
import { traced } from '../../http/request-span.ts'
import { endSession, endSessions, signedIn } from '../../http/sessions.ts'
import { form, text } from '../../http/validation.ts'
import { answer, answerProblem, flash, render } from '../../ui/answer.ts'
import { page } from '../../ui/layout.tsx'
import { forgetEverywhere } from '../forget-person.ts'
import { listHidden } from '../hidden/queries.ts'
import { HiddenPeople } from '../hidden/views.tsx'
import { newPassword, personName, typedHandle } from '../sessions/fields.ts'
import { otherSessions } from '../sessions/queries.ts'
import { mayRenameAt, whyNotRenamed } from './handle.ts'
import {
  DeleteForm,
  ExportLink,
  HandleForm,
  PasswordForm,
  ProfileForm,
  ReportsLink,
  SessionsForm,
  type Problems,
} from './views.tsx'

const bio = v.pipe(
  text,
  v.check((value) => [...value].length <= 160, 'A bio has up to 160 characters.'),
)

const demoStays = 'A demo account keeps its handle and its password, and cannot be deleted.'

/** The forms by their `action`. `given` (what was typed) and `problems` belong to the form that was sent. */
async function accountForms(c: Context<Env>, given: Record<string, string>, problems: Problems) {
  const { db, viewer } = c.var
  const [others, waitUntil, people] = await together(db, () =>
    Promise.all([
      otherSessions(db, viewer.id, viewer.tokenHash),
      viewer.demo ? undefined : mayRenameAt(db, viewer.id),
      viewer.hiddenCount > 0 ? listHidden(db, viewer.id).all() : [],
    ]),
  )
  const { mailaddress } = viewer
  const at = (path: string) => ({ problems: path === c.req.path ? problems : {} })
  const { name = viewer.name, bio: words = viewer.bio } = given
  const handle = (waitUntil === undefined && given['handle']) || viewer.handle
  return {
    '/account/profile': <ProfileForm name={name} bio={words} {...at('/account/profile')} />,
    ...(!viewer.demo && {
      '/account/handle': (
        <HandleForm handle={handle} waitUntil={waitUntil} {...at('/account/handle')} />
      ),
    }),
    '/account/password': viewer.demo ? (
      <p class='card door'>{demoStays}</p>
    ) : (
      <PasswordForm mailaddress={mailaddress} {...at('/account/password')} />
    ),
    '/account/sessions': <SessionsForm others={others} {...at('/account/sessions')} />,
    '/account/hidden': <HiddenPeople people={people} />,
    '/account/export': <ExportLink />,
    ...(viewer.operator && { '/reports': <ReportsLink /> }),
    ...(!viewer.demo && {
      '/account/delete': <DeleteForm mailaddress={mailaddress} {...at('/account/delete')} />,
    }),
  }
}

async function accountPage(
  c: Context<Env>,
  given: Record<string, string> = {},
  problems: Problems = {},
) {
  const forms = await accountForms(c, given, problems)
  const sent = Object.entries(forms).find(([path]) => path === c.req.path)?.[1]
  if (sent && clientKind(c) === 'partial') return render(c, sent)
  return page(
    c,
    { title: 'Account', private: '/account' },
    <>
      <h1>Account</h1>
      {Object.values(forms)}
    </>,
  )
}

const accountAgain: Redisplay = (c, given, problems, status) => {
  const sentence = Object.values(problems)[0] ?? 'Something is wrong with the form.'
  if (clientKind(c) === 'program') throw new Refusal(status, sentence)
  return answerProblem(c, status, sentence, () => accountPage(c, given, problems))
}
const refuse = (c: Context<Env>, problems: Problems) => accountAgain(c, {}, problems, 422)

const done = (c: Context<Env>, sentence: string) =>
  answer(c, { partial: <p class='toast'>{sentence}</p>, to: '/account', flash: sentence })

/** The passwords of demo accounts are public: without this, a visitor could lock out all others. */
const notDemo = createMiddleware<Env>(async (c, next) => {
  if (c.var.viewer.demo) throw new Refusal(403, demoStays)
  await next()
})

async function isOwnPassword(c: Context<Env>, password: string): Promise<boolean> {
  const { db, viewer, passwords } = c.var
  const row = await db
    .select({ passwordHash: users.passwordHash })
    .from(users)
    .where(eq(users.id, viewer.id))
    .get()
  return (await passwords.matches(password, row?.passwordHash, c.req.raw.signal)) !== false
}

const changing = [keepsForm(accountAgain), limited('LIMIT_ACCOUNT')] as const

export const accountRoutes = router()
  .get('/account', traced('account.read'), signedIn, (c) => accountPage(c))
  .post(
    '/account/profile',
    traced('account.update'),
    signedIn,
    ...changing,
    form({ name: personName, bio }, accountAgain),
    async (c) => {
      const { name, bio: written } = c.req.valid('form')
      await c.var.db.update(users).set({ name, bio: written }).where(eq(users.id, c.var.viewer.id))
      return done(c, 'Saved.')
    },
  )
  .post(
    '/account/handle',
    traced('account.rename'),
    signedIn,
    notDemo,
    ...changing,
    form({ handle: typedHandle }, accountAgain),
    async (c) => {
      const { db, viewer } = c.var
      const { handle } = c.req.valid('form')
      if (handle === viewer.handle) return done(c, 'Saved.')
      const given = { handle }
      const refusal = whyNoHandle(handle, viewer) ?? (await whyNotRenamed(db, viewer.id, handle))
      if (refusal) return accountAgain(c, given, { handle: refusal }, 422)
      return done(c, `You are @${handle} now. Links to @${viewer.handle} lead here.`)
    },
  )
  .post(
    '/account/password',
    traced('account.password'),
    signedIn,
    notDemo,
    ...changing,
    form({ current: v.string(), fresh: newPassword }, accountAgain),
    async (c) => {
      const { db, viewer, passwords, settings } = c.var
      const { current, fresh } = c.req.valid('form')
      if (!(await isOwnPassword(c, current)))
        return refuse(c, { current: 'That is not your password.' })
      if (!settings.demo && isCommon(fresh, [viewer.name, viewer.mailaddress])) {
        return refuse(c, { fresh: 'Too many people use this password.' })
      }
      await db
        .update(users)
        .set({ passwordHash: await passwords.hash(fresh, c.req.raw.signal) })
        .where(eq(users.id, viewer.id))
      await endSessions(db, viewer.id, viewer.tokenHash)
      return done(c, 'Password changed. You are signed out everywhere else.')
    },
  )
  .post('/account/sessions', traced('account.sessions'), signedIn, ...changing, async (c) => {
    await endSessions(c.var.db, c.var.viewer.id, c.var.viewer.tokenHash)
    return done(c, 'Signed out everywhere else.')
  })
  .post(
    '/account/delete',
    traced('account.delete'),
    signedIn,
    notDemo,
    ...changing,
    form({ farewell: v.string() }, accountAgain),
    async (c) => {
      if (!(await isOwnPassword(c, c.req.valid('form').farewell)))
        return refuse(c, { farewell: 'That is not your password.' })
      const { id } = c.var.viewer
      await deleteAccount(c.var.db, id)
      await endSession(c) // after it, so that no stream finds its session still there
      forgetEverywhere(c.var.db, id)
      c.header('Clear-Site-Data', '"cache"')
      flash(c, 'Your account is deleted.')
      return clientKind(c) === 'program' ? c.json({ success: true }) : c.redirect('/', 303)
    },
  )
