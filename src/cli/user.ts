import { randomBytes } from 'node:crypto'

import { desc, eq, inArray } from 'drizzle-orm'
import * as v from 'valibot'

import { normalAddress } from '../base/mail-address.ts'
import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import { openDb, type Db } from '../db/db.ts'
import { sessions, users } from '../db/schema.ts'
import { newPassword } from '../features/sessions/fields.ts'
import { Passwords } from '../http/passwords.ts'
import { complain, databasePath, existing, main, say } from './command.ts'

const help = `npm run user -- password|suspend|unsuspend|delete ADDRESS

  password    sets the password read from standard input, or makes one and prints it; ends all sessions
  suspend     ends all sessions and lets nobody sign in to this account until
  unsuspend   does so
  delete      deletes the account with its tweets, likes and follows

Stop the app first: a database file has one process. Sessions outlive the restart.`

type Person = { db: Db; id: number; name: string }
type Action = (person: Person, settings: Settings) => Promise<string>

const actions: Record<string, Action> = { password, suspend, unsuspend, delete: remove }

await main({
  help,
  async run([word = '', address, ...rest], settings) {
    const action = Object.hasOwn(actions, word) ? actions[word] : undefined
    if (!action || !address || rest.length > 0) {
      complain(help)
      return 2
    }
    if (settings.DATABASE_URL.startsWith('file:')) existing(databasePath(settings))
    const database = await openDb(settings)
    try {
      say(await action(await find(database.db, address.normalize('NFC').toLowerCase()), settings))
      return 0
    } finally {
      await database.close()
    }
  },
})

async function find(db: Db, address: string): Promise<Person> {
  const user = await db
    .select({ id: users.id, name: users.name })
    .from(users)
    .where(inArray(users.mailaddress, [address, normalAddress(address)]))
    .orderBy(desc(eq(users.mailaddress, address)))
    .get()
  if (!user) throw new StartError(`Nobody has the address ${address}.`)
  return { db, ...user }
}

async function password({ db, id, name }: Person, settings: Settings): Promise<string> {
  const typed = await firstLine()
  const chosen = v.safeParse(newPassword, typed || randomBytes(12).toString('base64url'))
  if (!chosen.success) throw new StartError(chosen.issues[0].message)
  const passwordHash = await new Passwords(settings).hash(chosen.output)
  await db.batch([
    db.update(users).set({ passwordHash }).where(eq(users.id, id)),
    db.delete(sessions).where(eq(sessions.userId, id)),
  ])
  return typed ? `${name} has a new password.` : `New password of ${name}: ${chosen.output}`
}

async function suspend({ db, id, name }: Person): Promise<string> {
  await db.batch([
    db.update(users).set({ suspendedAt: Date.now() }).where(eq(users.id, id)),
    db.delete(sessions).where(eq(sessions.userId, id)),
  ])
  return `${name} cannot sign in any more.`
}

async function unsuspend({ db, id, name }: Person): Promise<string> {
  await db.update(users).set({ suspendedAt: null }).where(eq(users.id, id))
  return `${name} can sign in again.`
}

async function remove({ db, id, name }: Person): Promise<string> {
  await db.delete(users).where(eq(users.id, id))
  return `${name} is deleted with all that they wrote.`
}

/** The first line of what is piped in; nothing at a terminal, where it would be seen. */
async function firstLine(): Promise<string> {
  if (process.stdin.isTTY) return ''
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString().split(/\r?\n/)[0]!
}
