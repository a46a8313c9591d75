// What the people who run the instance do to accounts: `npm run user`, in the running app or beside it (cli/user.ts).
import { desc, eq, inArray } from 'drizzle-orm'
import * as v from 'valibot'

import { normalAddress } from '../base/mail-address.ts'
import { Refusal } from '../base/refusal.ts'
import type { Db } from '../db/db.ts'
import { deleteAccount } from '../db/deletions.ts'
import { sessions, users } from '../db/schema/index.ts'
import { createInvitation } from '../http/invitations.ts'
import { randomPassword, type Passwords } from '../http/passwords.ts'
import { sessionsEnded } from '../http/session-ends.ts'
import { errorFacts, log } from '../telemetry/log.ts'
import { inTrace } from '../telemetry/spans.ts'
import { forgetEverywhere } from './forget-person.ts'
import { mailaddress, newPassword, personName } from './sessions/fields.ts'
import { createUser } from './sessions/queries.ts'
import { suspendPerson, unsuspendPerson } from './suspension.tsx'

export type Administration = {
  db: Db
  passwords: Passwords
  /** Where people reach this site, for links; `isGuess` when nobody has said so. */
  origin: { text: string; isGuess: boolean }
  /** The addresses in OPERATORS. */
  operators: ReadonlySet<string>
}

const text = v.optional(v.pipe(v.string(), v.maxLength(1000)), '')
const orderSchema = v.object({ action: v.string(), address: text, password: text })
/** An action, whom it is for, and the password that was typed for it. */
type Order = v.InferOutput<typeof orderSchema>
export type Reply = { ok: boolean; text: string }

type Asked = Administration & Order & { id: number; name: string }
type Action = (asked: Asked) => Promise<string>

const onAccounts: Record<string, Action> = {
  password: setPassword,
  suspend,
  unsuspend,
  delete: remove,
  'no-operator': endOperator,
}

/** The words after `npm run user --`, and whether an address follows. */
export const actionNames: ReadonlyMap<string, 'address' | 'alone'> = new Map([
  ...Object.keys(onAccounts).map((name) => [name, 'address'] as const),
  ['operator', 'address'],
  ['invite', 'alone'],
])

/** Carries out an order and says in a sentence what was done; throws a Refusal that says why not. */
export async function administer(given: Administration, order: unknown): Promise<string> {
  const parsed = v.safeParse(orderSchema, order)
  if (!parsed.success || !actionNames.has(parsed.output.action))
    throw new Refusal(400, 'This is no order that this version knows.')
  const asked = {
    ...given,
    ...parsed.output,
    address: parsed.output.address.trim().normalize('NFC').toLowerCase(),
  }
  if (asked.action === 'invite') return invite(asked)
  const [user] = await given.db
    .select({ id: users.id, name: users.name, demo: users.demo })
    .from(users)
    .where(inArray(users.mailaddress, [asked.address, normalAddress(asked.address)]))
    // Accounts from before addresses were normalised may share one: the exact spelling counts first.
    .orderBy(desc(eq(users.mailaddress, asked.address)))
  if (asked.action === 'operator') return makeOperator(asked, user)
  if (!user) throw new Refusal(404, `Nobody has the address ${asked.address}.`)
  return onAccounts[asked.action]!({ ...asked, ...user })
}

/** The same for the running app: in a trace and with a line in the log, and whatever happens an answer. */
export async function answerOrder(given: Administration, order: unknown): Promise<Reply> {
  const action = (order as Partial<Order> | null)?.action ?? ''
  const name = actionNames.has(action) ? action : 'unknown'
  return inTrace(`administration.${name}`, async () => {
    try {
      const said = await administer(given, order)
      log.info('administration', { action: name })
      return { ok: true, text: said }
    } catch (error) {
      if (error instanceof Refusal) return { ok: false, text: error.message }
      log.error('administration failed', { action: name, ...errorFacts(error) })
      return { ok: false, text: 'The app could not do it: its log says why.' }
    }
  })
}

/** What was typed, else one that is made. */
function choosePassword(typed: string): string {
  const chosen = v.safeParse(newPassword, typed || randomPassword())
  if (!chosen.success) throw new Refusal(422, chosen.issues[0].message)
  return chosen.output
}

async function setPassword({ db, passwords, id, name, password: typed }: Asked): Promise<string> {
  const chosen = choosePassword(typed)
  const passwordHash = await passwords.hash(chosen)
  await db.batch([
    db.update(users).set({ passwordHash }).where(eq(users.id, id)),
    db.delete(sessions).where(eq(sessions.userId, id)),
  ])
  sessionsEnded.count += 1
  return typed ? `${name} has a new password.` : `New password of ${name}: ${chosen}`
}

async function suspend({ db, id, name }: Asked): Promise<string> {
  await suspendPerson(db, id)
  return `${name} cannot sign in any more.`
}

async function unsuspend({ db, id, name }: Asked): Promise<string> {
  await unsuspendPerson(db, id)
  return `${name} can sign in again.`
}

async function remove({ db, id, name }: Asked): Promise<string> {
  await deleteAccount(db, id)
  sessionsEnded.count += 1
  forgetEverywhere(db, id)
  return `${name} is deleted with all that they wrote.`
}

type Found = { id: number; name: string; demo: boolean } | undefined

async function makeOperator(asked: Administration & Order, user: Found): Promise<string> {
  // Everybody knows the passwords of the demo accounts.
  if (user?.demo)
    throw new Refusal(422, 'A demo account cannot be an operator. Name an address of your own.')
  const { db, address, password: typed } = asked
  if (user) {
    await db.update(users).set({ operator: true }).where(eq(users.id, user.id))
    return `${user.name} is an operator.${typed ? ' The password stays as it was.' : ''}`
  }
  const parsed = v.safeParse(v.object({ mailaddress, name: personName }), {
    mailaddress: address,
    name: address.split('@')[0]!.slice(0, 50),
  })
  if (!parsed.success) throw new Refusal(422, parsed.issues[0].message)
  const password = choosePassword(typed)
  const passwordHash = await asked.passwords.hash(password)
  const id = await createUser(db, { ...parsed.output, passwordHash, operator: true })
  if (typeof id !== 'number') throw new Refusal(409, 'This account was made just now. Try again.')
  return `${address} has an account and is an operator.${typed ? '' : ` The password is ${password}`}`
}

async function endOperator({ db, id, name, address, operators }: Asked): Promise<string> {
  await db.update(users).set({ operator: false }).where(eq(users.id, id))
  return operators.has(address)
    ? `${name} stays an operator, because OPERATORS names ${address}.`
    : `${name} is no operator any more.`
}

async function invite({ db, origin }: Administration): Promise<string> {
  const link = `${origin.text}${await createInvitation(db)}`
  const hint = origin.isGuess
    ? '\nIf people reach this site at another address, put it in front.'
    : ''
  return `${link}\nThis link is good for one sign-up in the next 7 days.${hint}`
}
