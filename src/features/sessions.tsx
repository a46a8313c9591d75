// Sign up, sign in, sign out: one page with both forms, as in the original.
import { eq, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as v from 'valibot'

import { isConstraint, prepared, type Db } from '../db.ts'
import { handleOf, numbered } from '../handles.ts'
import { page } from '../layout.tsx'
import { passwordBytes } from '../passwords.ts'
import { isCommon } from '../common-passwords.ts'
import { clientKey } from '../rate-limits.ts'
import { Refusal } from '../refusal.ts'
import { users } from '../schema.ts'
import { traced } from '../tracing.ts'
import { endSession, startSession } from '../viewer.ts'
import { form, query, router, safePath, text, type Env } from '../web.ts'

/** A person's name: 1 to 50 characters, without the invisible ones that make one name look like another. */
export const personName = v.pipe(
  text,
  v.transform((name) =>
    name
      .replace(/[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\n\t]/gu, '')
      .replace(/\u200d(?!\p{Extended_Pictographic})/gu, '')
      .trim(),
  ),
  v.minLength(1, 'Tell us your name.'),
  v.check((name) => [...name].length <= 50, 'Names have up to 50 characters.'),
)

const mailaddress = v.pipe(
  text,
  v.toLowerCase(),
  v.maxLength(120, 'An email address has up to 120 characters.'),
  v.regex(/^[^\s@]+@[^\s@]+$/, 'That is no email address.'),
)

export const newPassword = v.pipe(
  v.string(),
  v.check((password) => [...password].length >= 8, 'A password needs 8 characters or more.'),
  v.check((password) => Buffer.byteLength(password) <= passwordBytes, `A password can be ${passwordBytes} bytes long: bcrypt ignores the rest.`),
)

const registration = { name: personName, mailaddress, password: newPassword }
const credentials = { mailaddress: v.pipe(text, v.toLowerCase()), password: v.string(), next: v.optional(v.string()) }
const wrong = 'Email address or password is incorrect'

type User = { id: number; passwordHash: string; demo: boolean; suspendedAt: number | null }

const userQuery = prepared((db: Db) =>
  db
    .select({ id: users.id, passwordHash: users.passwordHash, demo: users.demo, suspendedAt: users.suspendedAt })
    .from(users)
    .where(eq(users.mailaddress, sql.placeholder('mailaddress')))
    .prepare(),
)

/** Who has this address and this password and may sign in. Takes as long whether or not the address exists. */
async function authenticate(c: Context<Env>, given: { mailaddress: string; password: string }): Promise<User | undefined> {
  const user = await userQuery(c.var.db).get({ mailaddress: given.mailaddress })
  const matches = await c.var.passwords.matches(given.password, user?.passwordHash)
  const mayEnter = user && !user.suspendedAt && (!user.demo || c.var.settings.demo)
  return matches && mayEnter ? user : undefined
}

/** Writes a new user under the first free handle that the name suggests; undefined when the address is taken. */
async function createUser(db: Db, given: { name: string; mailaddress: string; passwordHash: string }): Promise<number | undefined> {
  const base = handleOf(given.name)
  // Nobody's name suggests one: u<id>, with the id that this very row gets.
  const own = sql`(select 'u' || (coalesce(max(seq), 0) + 1) from sqlite_sequence where name = 'users')`
  for (let attempt = 1; attempt <= 8; attempt++) {
    const suffix = attempt === 2 ? 2 : Math.floor(Math.random() * 10 ** attempt)
    const handle = base === undefined ? own : attempt === 1 ? base : numbered(base, suffix)
    try {
      const [row] = await db.insert(users).values({ ...given, handle, createdAt: Date.now() }).returning({ id: users.id })
      return row!.id
    } catch (error) {
      if (isConstraint(error, 'UNIQUE: users.mailaddress')) return undefined
      if (!isConstraint(error, 'UNIQUE: users.handle')) throw error
    }
  }
  throw new Refusal(503, 'No free handle was found for this name. Try again.', { slug: 'no_handle' })
}

type Shown = { given?: Record<string, string>; problem?: string | undefined; problems?: Record<string, string>; at?: 'login' | 'register'; next?: string | undefined }

const loginPage = (c: Context<Env>, shown: Shown) =>
  page(c, { title: 'Login', description: 'Log in or sign up to read and write.', canonical: '/login' }, (
    <>
      <h1>{shown.at === 'register' ? 'Sign up' : 'Log in'}</h1>
      <div class='doors'>
        <LoginForm {...shown} />
        {c.var.settings.REGISTRATION === 'open' ? <RegisterForm {...shown} /> : <p class='card'>Registration is closed here.</p>}
      </div>
      {c.var.settings.demo && <DemoAccounts next={shown.next} />}
    </>
  ))

const Field = (props: { id: string; name: string; label: string; type?: string; value?: string | undefined; autocomplete: string; problem?: string | undefined; hint?: string }) => (
  <p class='field'>
    <label for={props.id}>{props.label}</label>
    <input
      id={props.id}
      name={props.name}
      type={props.type ?? 'text'}
      value={props.value}
      autocomplete={props.autocomplete}
      required
      aria-invalid={props.problem !== undefined}
      aria-describedby={props.problem === undefined ? undefined : `${props.id}-problem`}
    />
    {props.hint && <span class='hint'>{props.hint}</span>}
    {props.problem && (
      <span class='problem' id={`${props.id}-problem`} role='alert'>
        {props.problem}
      </span>
    )}
  </p>
)

const LoginForm = ({ given, problem, problems = {}, at = 'login', next }: Shown) => (
  <form id='login-form' class='card door' method='post' action='/login'>
    <h2>Log in</h2>
    {at === 'login' && problem && (
      <p class='alert alert-warning problem' role='alert'>
        {problem}
      </p>
    )}
    <Field id='mailaddress' name='mailaddress' label='Email address' type='email' autocomplete='username' value={at === 'login' ? given?.['mailaddress'] : undefined} problem={at === 'login' ? problems['mailaddress'] : undefined} />
    <Field id='password' name='password' label='Password' type='password' autocomplete='current-password' />
    {next && <input type='hidden' name='next' value={next} />}
    <button class='btn'>Log in</button>
  </form>
)

const RegisterForm = ({ given, problem, problems = {}, at = 'login' }: Shown) => {
  const mine = at === 'register' ? { given, problems, problem } : { given: {}, problems: {}, problem: undefined }
  return (
    <form id='register-form' class='card door' method='post' action='/register'>
      <h2>Sign up</h2>
      {mine.problem && (
        <p class='alert alert-warning problem' role='alert'>
          {mine.problem}
        </p>
      )}
      <Field id='reg-name' name='name' label='Name' autocomplete='name' value={mine.given?.['name']} problem={mine.problems['name']} />
      <Field id='reg-mailaddress' name='mailaddress' label='Email address' type='email' autocomplete='email' value={mine.given?.['mailaddress']} problem={mine.problems['mailaddress']} />
      <Field id='reg-password' name='password' label='Password' type='password' autocomplete='new-password' hint='8 characters or more' problem={mine.problems['password']} />
      <button class='btn'>Sign up</button>
    </form>
  )
}

const demoPeople = [
  { number: 1, name: 'Mara, ferry captain' },
  { number: 3, name: 'Ines, baker' },
  { number: 10, name: 'Nell, librarian' },
  { number: 100, name: 'The Bench' },
]

const DemoAccounts = ({ next }: { next?: string | undefined }) => (
  <section class='card demo' aria-labelledby='demo-title'>
    <h2 id='demo-title'>Just looking? Come in as somebody from town</h2>
    <p>
      This is a demo: <code>user0001@example.com</code> to <code>user0100@example.com</code>, password <code>password123</code>.
    </p>
    <div class='row'>
      {demoPeople.map(({ number, name }) => (
        <form method='post' action='/login'>
          <input type='hidden' name='mailaddress' value={`user${String(number).padStart(4, '0')}@example.com`} />
          <input type='hidden' name='password' value='password123' />
          {next && <input type='hidden' name='next' value={next} />}
          <button class='btn quiet'>{name}</button>
        </form>
      ))}
    </div>
  </section>
)

const refuse = (c: Context<Env>, shown: Shown) => {
  c.status(422)
  return loginPage(c, shown)
}

const nextQuery = query({ next: v.optional(v.string()) })

export const sessionRoutes = router()
  .get('/login', traced('sessions.form'), nextQuery, (c) => loginPage(c, { at: 'login', next: c.req.valid('query').next }))
  .get('/register', traced('sessions.form'), (c) => loginPage(c, { at: 'register' }))
  .post('/login', traced('sessions.create'), form(credentials), async (c) => {
    if (c.var.visitor) return c.redirect('/timeline', 303)
    const { next, ...given } = c.req.valid('form')
    await c.var.rateLimits.spend('LIMIT_LOGIN_CLIENT', clientKey(c))
    await c.var.rateLimits.spend('LIMIT_LOGIN_ACCOUNT', `${given.mailaddress} ${clientKey(c)}`)
    const user = await authenticate(c, given)
    if (!user) return refuse(c, { given, problem: wrong, next, at: 'login' })
    await startSession(c, user.id)
    return c.redirect(safePath(next), 303)
  })
  .post('/register', traced('sessions.register'), form(registration, (c, given, problems) => refuse(c, { given, problems, at: 'register' })), async (c) => {
    if (c.var.visitor) return c.redirect('/timeline', 303)
    const given = c.req.valid('form')
    const taken = () => refuse(c, { given, problem: 'This email address is already registered', at: 'register' })
    if (c.var.settings.REGISTRATION === 'closed') throw new Refusal(403, 'Registration is closed here.')
    await c.var.rateLimits.spend('LIMIT_REGISTER', clientKey(c))
    if (!c.var.settings.demo && isCommon(given.password, [given.name, given.mailaddress])) {
      return refuse(c, { given, problems: { password: 'Too many people use this password.' }, at: 'register' })
    }
    const known = await userQuery(c.var.db).get({ mailaddress: given.mailaddress })
    const id = known ? undefined : await createUser(c.var.db, { name: given.name, mailaddress: given.mailaddress, passwordHash: await c.var.passwords.hash(given.password) })
    // Who registers an address again with its right password is let in: two tabs, or a script that always registers.
    const userId = id ?? (await authenticate(c, given))?.id
    if (userId === undefined) return taken()
    await startSession(c, userId)
    return c.redirect('/timeline', 303)
  })
  .get('/logout', traced('sessions.leave'), async (c) => {
    const isBrowser = c.req.header('Accept')?.includes('text/html') || c.req.header('Sec-Fetch-Site') !== undefined
    if (!isBrowser) {
      await endSession(c)
      return c.redirect('/', 302)
    }
    return page(c, { title: 'Logout' }, (
      <>
        <h1>Log out?</h1>
        <form method='post' action='/logout'>
          <button class='btn'>Log out</button>
        </form>
      </>
    ))
  })
  .post('/logout', traced('sessions.end'), async (c) => {
    await endSession(c)
    // Back would show the pages of the one who left.
    c.header('Clear-Site-Data', '"cache"')
    return c.redirect('/', 303)
  })
