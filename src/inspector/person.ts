import { eq } from 'drizzle-orm'
import type { Context } from 'hono'

import { users } from '../db/schema/index.ts'
import type { Env } from '../http/context.ts'

/** The id of the account that the filter `person` names, as spans record it: `me`, a number, or a handle with or without @. */
export async function personIdOf(c: Context<Env>, person: string): Promise<string | undefined> {
  if (person === '') return undefined
  if (person.toLowerCase() === 'me') return idText(c.get('visitor'))
  if (/^\d+$/.test(person)) return person
  const handle = person.replace('@', '').toLowerCase()
  return idText(
    await c.var.db.select({ id: users.id }).from(users).where(eq(users.handle, handle)).get(),
  )
}

const idText = (row: { id: number } | undefined) => row && String(row.id)
