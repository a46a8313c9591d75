import { randomBytes } from 'node:crypto'

import { eq } from 'drizzle-orm'

import { complain, main, say } from '../command.ts'
import { openDb, type Db } from '../db.ts'
import type { Settings } from '../env.ts'
import { Passwords, passwordBytes } from '../passwords.ts'
import { users } from '../schema.ts'
import { StartError } from '../start-error.ts'
import { endSessions } from '../viewer.ts'

const help = `npm run user -- password|suspend|unsuspend|delete ADDRESS

  password    sets the password read from standard input, or makes one and prints it; ends all sessions
  suspend     ends all sessions and lets nobody sign in to this account until
  unsuspend   does so
  delete      deletes the account with its tweets, likes and follows

Stop the app first: a database file has one process. Sessions outlive the restart.`

await main({
  help,
  async run([deed, address, ...rest], settings) {
    if (!deed || !address || rest.length > 0) {
      complain(help)
      return 2
    }
    const database = await openDb(settings)
    try {
      return await act(database.db, { deed, address: address.toLowerCase(), settings })
    } finally {
      await database.close()
    }
  },
})

async function act(
  db: Db,
  asked: { deed: string; address: string; settings: Settings },
): Promise<number> {
  const { deed, address, settings } = asked
  const user = await db
    .select({ id: users.id, name: users.name })
    .from(users)
    .where(eq(users.mailaddress, address))
    .get()
  if (!user) throw new StartError(`Nobody has the address ${address}.`)
  const mine = eq(users.id, user.id)
  switch (deed) {
    case 'password': {
      const password = (await typed()) ?? randomBytes(12).toString('base64url')
      if (password.length < 8 || Buffer.byteLength(password) > passwordBytes) {
        throw new StartError(`A password has 8 characters to ${passwordBytes} bytes.`)
      }
      const passwordHash = await new Passwords(settings).hash(password)
      await db.update(users).set({ passwordHash }).where(mine)
      await endSessions(db, user.id)
      say(
        process.stdin.isTTY
          ? `New password of ${user.name}: ${password}`
          : `${user.name} has a new password.`,
      )
      return 0
    }
    case 'suspend':
      await db.update(users).set({ suspendedAt: Date.now() }).where(mine)
      await endSessions(db, user.id)
      say(`${user.name} cannot sign in any more.`)
      return 0
    case 'unsuspend':
      await db.update(users).set({ suspendedAt: null }).where(mine)
      say(`${user.name} can sign in again.`)
      return 0
    case 'delete':
      await db.delete(users).where(mine)
      say(`${user.name} is deleted with all that they wrote.`)
      return 0
    default:
      complain(help)
      return 2
  }
}

/** The first line of standard input, when something is piped in. */
async function typed(): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString().split('\n')[0] || undefined
}
