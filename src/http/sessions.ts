import { hash, randomBytes } from 'node:crypto'

import { and, count, eq, gt, isNull, lte, ne, or, sql, type SQL } from 'drizzle-orm'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import { prepared, type Db } from '../db/db.ts'
import { askedHidden } from '../db/hidden.ts'
import type { SessionJobs } from '../db/maintenance.ts'
import { sessions, users } from '../db/schema/index.ts'
import { unseenOf } from '../db/unseen.ts'
import { inBackground } from '../telemetry/spans.ts'
import { clientKind, type Env } from './context.ts'
import { formerSessionCookie, sessionCookie } from './cookie-names.ts'
import { absoluteMs, idleMs, sessionsEnded } from './session-ends.ts'
import { signInPath } from './sign-in-place.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The signed-in user; undefined when nobody is signed in. */
    visitor: Viewer | undefined
    /** The signed-in user, in routes behind `signedIn`. */
    viewer: Viewer
    /** JSON of the ids of people: the query of the session also says whom of them the visitor follows. */
    askedPeople: string | undefined
  }
}

const seenEveryMs = 3_600_000

const hashOf = (token: string) => hash('sha256', token)

const visitorColumns = {
  id: users.id,
  name: users.name,
  handle: users.handle,
  mailaddress: users.mailaddress,
  bio: users.bio,
  demo: users.demo,
  operator: users.operator,
  tweetCount: users.tweetCount,
  followerCount: users.followerCount,
  followingCount: users.followingCount,
  notificationsSeen: users.notificationsSeen,
  hiddenCount: users.hiddenCount,
  unseen: unseenOf,
  seenAt: sessions.seenAt,
}
const followed = sql<string | null>`(select group_concat(known.followed_id)
  from json_each(${sql.placeholder('asked')}) cross join follows known
  on known.follower_id = users.id and known.followed_id = value)`

const visitorQueryOf = (followedColumn: SQL<string | null>, hiddenColumn: SQL<string | null>) =>
  prepared((db: Db) =>
    db
      .select({ ...visitorColumns, followed: followedColumn, hidden: hiddenColumn })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          eq(sessions.tokenHash, sql.placeholder('tokenHash')),
          gt(sessions.seenAt, sql.placeholder('seenAfter')),
          gt(sessions.createdAt, sql.placeholder('createdAfter')),
          isNull(users.suspendedAt),
        ),
      )
      .prepare(),
  )
const visitorQuery = visitorQueryOf(sql`null`, sql`null`)
const askingQuery = visitorQueryOf(followed, askedHidden)

type Row = NonNullable<Awaited<ReturnType<ReturnType<typeof visitorQuery>['get']>>>

/**
 * The signed-in user. `operator`: may delete any tweet; by the account or by OPERATORS. `followed` and `hidden`: the ids,
 * with commas between them, of those of `askedPeople` whom the user follows, and whom the user hides.
 */
export type Viewer = Omit<Row, 'seenAt'> & { tokenHash: string }

/** What a list binds about its reader. */
export type Reader = { viewer: number; hiding: number }

/** What a list binds about its reader; with `hiding` above 0, it looks for authors whom the reader hides. */
export const readerOf = (visitor: Pick<Viewer, 'id' | 'hiddenCount'> | undefined): Reader => ({
  viewer: visitor?.id ?? 0,
  hiding: visitor?.hiddenCount ?? 0,
})

/** Sets `visitor` to the user of the session cookie; to undefined when there is no session or it has expired. */
export const loadVisitor = createMiddleware<Env>(async (c, next) => {
  const token = getCookie(c, sessionCookie(c.get('settings')))
  c.set('visitor', token ? await findVisitor(c, hashOf(token)) : undefined)
  if (!token) await renameCookie(c)
  await next()
})

/** Moves a session from the cookie's former name to the new one. Leaves a cookie of another program alone. */
async function renameCookie(c: Context<Env>): Promise<void> {
  const { settings } = c.var
  const former = formerSessionCookie(settings)
  const token = getCookie(c, former)
  const visitor = token && (await findVisitor(c, hashOf(token)))
  if (!token || !visitor) return
  c.set('visitor', visitor)
  setSessionCookie(c, token)
  deleteCookie(c, former, { path: '/', secure: settings.https })
}

/** The user of the session with this token hash; undefined when it has expired or the user may not sign in. */
export function findVisitor(c: Context<Env>, tokenHash: string): Promise<Viewer | undefined> {
  const [db, settings] = [c.get('db'), c.get('settings')]
  const now = Date.now()
  const bound = { tokenHash, seenAfter: now - idleMs, createdAfter: now - absoluteMs }
  const asked = c.get('askedPeople')
  const found =
    asked === undefined ? visitorQuery(db).get(bound) : askingQuery(db).get({ ...bound, asked })
  return found.then((row) => {
    if (!row || (row.demo && !settings.demo)) return undefined
    if (row.seenAt < now - seenEveryMs) rememberSeen(db, tokenHash, now)
    const operator = row.operator || settings.operators.has(row.mailaddress)
    return Object.assign(row, { tokenHash, operator })
  })
}

/** Prolongs the session in the background. Called at most once an hour for a session. */
const rememberSeen = (db: Db, tokenHash: string, now: number): void =>
  inBackground('sessions.prolong', async () => {
    await db.update(sessions).set({ seenAt: now }).where(eq(sessions.tokenHash, tokenHash))
  })

/** May this visitor see the inspector, which shows all requests? In a demo everybody may, else only operators. */
export const mayInspect = (c: Context<Env>): boolean =>
  c.get('settings').demo || c.get('visitor')?.operator === true

/** Requires a signed-in user and sets `viewer`. Else answers with a redirect to the sign-in form, or with 401. */
export const signedIn = createMiddleware<Env>((c, next) => {
  const visitor = c.get('visitor')
  if (!visitor) return Promise.resolve(requireSignIn(c))
  c.set('viewer', visitor)
  return next()
})

function requireSignIn(c: Context<Env>): Response {
  const kind = clientKind(c)
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD'
  const isPage = reads || c.req.path === '/post'
  if (kind === 'partial') {
    throw new Refusal(401, 'Sign in first.', {
      code: 'signed_out',
      headers: { 'HX-Redirect': signInPath(c) },
    })
  }
  if (kind === 'program' && !isPage)
    throw new Refusal(401, 'Sign in first.', { code: 'signed_out' })
  if (reads) return c.redirect(signInPath(c), 302)
  return c.redirect(kind === 'program' ? '/login' : signInPath(c), 303)
}

const insertSession = prepared((db: Db) =>
  db
    .insert(sessions)
    .values({
      tokenHash: sql.placeholder('tokenHash'),
      userId: sql.placeholder('userId'),
      createdAt: sql.placeholder('now'),
      seenAt: sql.placeholder('now'),
    })
    .prepare(),
)

/** Starts a session and ends the browser's former one. Sets the cookie and returns the hash of its token. */
export async function startSession(c: Context<Env>, userId: number): Promise<string> {
  const { db } = c.var
  const token = randomBytes(32).toString('base64url')
  const tokenHash = hashOf(token)
  await insertSession(db).run({ tokenHash, userId, now: Date.now() })
  // Only now: if the new session cannot be written, the user stays signed in with the former one.
  await endSession(c)
  setSessionCookie(c, token)
  return tokenHash
}

function setSessionCookie(c: Context<Env>, token: string): void {
  const { settings } = c.var
  setCookie(c, sessionCookie(settings), token, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: settings.https,
    maxAge: absoluteMs / 1000,
  })
}

/** Ends the session of this request, if there is one. */
export async function endSession(c: Context<Env>): Promise<void> {
  const name = sessionCookie(c.get('settings'))
  const token = getCookie(c, name)
  const tokenHash = token ? hashOf(token) : c.get('visitor')?.tokenHash
  if (!tokenHash) return
  await c.var.db.delete(sessions).where(eq(sessions.tokenHash, tokenHash))
  sessionsEnded.count += 1
  deleteCookie(c, name, { path: '/', secure: c.get('settings').https })
}

/** Ends all sessions of a user except the one with this token hash. */
export async function endSessions(db: Db, userId: number, exceptTokenHash = ''): Promise<void> {
  await db
    .delete(sessions)
    .where(and(eq(sessions.userId, userId), ne(sessions.tokenHash, exceptTokenHash)))
  sessionsEnded.count += 1
}

/** Deletes the sessions that have expired at `now` (ms UTC). */
async function deleteExpired(db: Db, now: number): Promise<void> {
  await db
    .delete(sessions)
    .where(or(lte(sessions.seenAt, now - idleMs), lte(sessions.createdAt, now - absoluteMs)))
}

/**
 * Sets times in the future to `now`. Such sessions were created while a clock was ahead, and would live too long. Call
 * it only when the clock is known to be right: with a clock that is behind, it would make all sessions too old.
 */
async function clampToNow(db: Db, now: number): Promise<void> {
  await db
    .update(sessions)
    .set({
      createdAt: sql`min(${sessions.createdAt}, ${now})`,
      seenAt: sql`min(${sessions.seenAt}, ${now})`,
    })
    .where(or(gt(sessions.createdAt, now), gt(sessions.seenAt, now)))
}

/** The session jobs that maintenance calls. */
export const sessionJobs: SessionJobs = { deleteExpired, clampToNow }

/** The number of sessions that have not expired. */
export async function countSessions(db: Db): Promise<number> {
  const row = await db
    .select({ count: count() })
    .from(sessions)
    .where(
      and(
        gt(sessions.seenAt, Date.now() - idleMs),
        gt(sessions.createdAt, Date.now() - absoluteMs),
      ),
    )
    .get()
  return row?.count ?? 0
}
