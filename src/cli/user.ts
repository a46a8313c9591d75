import { Refusal } from '../base/refusal.ts'
import type { Settings } from '../config/env.ts'
import { linkOrigin } from '../config/own-address.ts'
import { StartError } from '../config/start-error.ts'
import { openDb } from '../db/db.ts'
import { actionNames, administer } from '../features/administration.ts'
import { Passwords } from '../http/passwords.ts'
import { complain, databasePath, existing, main, say } from './command.ts'
import { sendOrder, socketPath } from './user-socket.ts'

const help = `npm run user -- invite
npm run user -- operator|no-operator|password|suspend|unsuspend|delete ADDRESS

  invite       prints a link that is good for one sign-up in the next 7 days, also where registration is closed
  operator     makes the account an operator, who may delete any tweet; makes the account if there is none, with the
               password read from standard input, or with one that it prints
  no-operator  takes that back
  password     sets the password read from standard input, or makes one and prints it; ends all sessions
  suspend      ends all sessions and lets nobody sign in to this account until
  unsuspend    does so
  delete       deletes the account with its tweets, likes and follows

The app may run: it does it then. Run this as the same user, with the same DATABASE_URL.`

await main({
  help,
  async run([action = '', address, ...rest], settings) {
    const needs = actionNames.get(action)
    if (!needs || (needs === 'address') !== Boolean(address) || rest.length > 0) {
      complain(help)
      return 2
    }
    const takesPassword = action === 'password' || action === 'operator'
    const password = takesPassword ? await firstLine() : ''
    say(await carryOut({ action, address, password }, settings))
    return 0
  },
})

/** Lets the running app do it, or does it in the database when no app runs; a libSQL server takes both at once. */
async function carryOut(order: object, settings: Settings): Promise<string> {
  if (settings.DATABASE_URL.startsWith('file:')) existing(databasePath(settings))
  const socket = socketPath(settings.DATABASE_URL)
  const reply = socket === undefined ? undefined : await sendOrder(socket, order)
  if (reply?.ok) return reply.text
  if (reply) throw new StartError(reply.text)
  // A command reads nothing that may be old.
  const database = await openDb({ ...settings, DATABASE_REPLICA_URL: undefined })
  try {
    const given = {
      db: database.db,
      passwords: new Passwords(settings),
      origin: linkOrigin(settings, settings.PORT),
      operators: settings.operators,
    }
    return await administer(given, order)
  } catch (error) {
    throw error instanceof Refusal ? new StartError(error.message) : error
  } finally {
    await database.close()
  }
}

/** The first line of standard input; empty at a terminal, where a typed password would be visible. */
async function firstLine(): Promise<string> {
  if (process.stdin.isTTY) return ''
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString().split(/\r?\n/)[0]!
}
