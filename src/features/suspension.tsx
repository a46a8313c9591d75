// Suspending people: by an operator on a profile or beside a report, and by `npm run user` (administration.ts). While a
// person is suspended, lists read an empty name and leave the row out (db/hidden.ts): no tweet is changed.
import { and, eq, ne, sql } from 'drizzle-orm'
import type { Context } from 'hono'

import { Refusal } from '../base/refusal.ts'
import type { Db } from '../db/db.ts'
import { sessions, users } from '../db/schema/index.ts'
import { type Env, router } from '../http/context.ts'
import { operatorAction } from '../http/operators.ts'
import { traced } from '../http/request-span.ts'
import { sessionsEnded } from '../http/session-ends.ts'
import { found } from '../http/validation.ts'
import { log } from '../telemetry/log.ts'
import { answer } from '../ui/answer.ts'
import { Toast } from '../ui/feed.tsx'
import { hidingState } from './hidden/queries.ts'
import { ChangedPerson } from './hidden/views.tsx'

/** Ends all sessions of a person and lets nobody sign in; a second time changes nothing. */
export async function suspendPerson(db: Db, id: number): Promise<void> {
  await db.batch([
    db
      .update(users)
      .set({ suspendedAt: sql`coalesce(${users.suspendedAt}, ${Date.now()})` })
      .where(eq(users.id, id)),
    db.delete(sessions).where(eq(sessions.userId, id)),
  ])
  sessionsEnded.count += 1
}

export async function unsuspendPerson(db: Db, id: number): Promise<void> {
  // A deleted account that is still being removed stays out of sight (db/deletions.ts).
  await db
    .update(users)
    .set({ suspendedAt: null })
    .where(and(eq(users.id, id), ne(users.name, '')))
}

/** Refuses an operator's own account, those of other operators, and that of nobody. */
async function whyNot(c: Context<Env>, id: number): Promise<void> {
  const { db, viewer, settings } = c.var
  const { operator, mailaddress } = found(
    await db
      .select({ operator: users.operator, mailaddress: users.mailaddress })
      .from(users)
      .where(and(eq(users.id, id), ne(users.name, '')))
      .get(),
  )
  if (id === viewer.id) throw new Refusal(400, 'You cannot suspend yourself.')
  if (operator || settings.operators.has(mailaddress))
    throw new Refusal(403, 'This is an operator. Take that back first, with npm run user.')
}

/** Answers with the menu and the sentence of the profile; the buttons beside a report are of the same kind. */
async function answerSuspension(c: Context<Env>, id: number, done: 'suspend' | 'unsuspend') {
  const { db, viewer } = c.var
  log.info('suspension', { action: done, person_id: id, operator_id: viewer.id })
  const state = found(await hidingState(db, viewer.id, id))
  const sentence = `${state.name} is ${done === 'suspend' ? 'suspended.' : 'not suspended any more.'}`
  const partial = (
    <>
      <ChangedPerson {...state} viewer={viewer} />
      <hx-partial hx-target={`[data-suspend="${id}"]`} hx-swap='outerHTML'>
        <SuspendButton {...state} />
      </hx-partial>
      <Toast>{sentence}</Toast>
    </>
  )
  return answer(c, { partial, to: `#user-${id}`, flash: sentence })
}

/** Suspends the author of what was reported, or takes that back. */
export const SuspendButton = ({ id, suspendedAt }: { id: number; suspendedAt: number | null }) => {
  const path = suspendedAt === null ? `/suspend/${id}` : `/unsuspend/${id}`
  return (
    <form method='post' action={path} data-suspend={id} hx-post={path}>
      <button class={suspendedAt === null ? 'btn danger' : 'btn quiet'}>
        {suspendedAt === null ? 'Suspend author' : 'Unsuspend author'}
      </button>
    </form>
  )
}

export const suspensionRoutes = router()
  .post('/suspend/:id{[0-9]+}', traced('people.suspend'), ...operatorAction, async (c) => {
    const { id } = c.req.valid('param')
    await whyNot(c, id)
    await suspendPerson(c.var.db, id)
    return answerSuspension(c, id, 'suspend')
  })
  .post('/unsuspend/:id{[0-9]+}', traced('people.unsuspend'), ...operatorAction, async (c) => {
    const { id } = c.req.valid('param')
    await unsuspendPerson(c.var.db, id)
    return answerSuspension(c, id, 'unsuspend')
  })
