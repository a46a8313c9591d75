// Addresses from before their domains were stored in ASCII: normalised at a start, and those that two accounts have.
import { sql } from 'drizzle-orm'

import { normalAddress } from '../base/mail-address.ts'
import { errorFacts, log } from '../telemetry/log.ts'
import type { Db } from './db.ts'
import { rowsOf, type Check } from './integrity-query.ts'

/** The condition of the partial index users_wide_domain. Raw, because SQLite uses such an index only for the same text. */
const wideDomain = `mailaddress glob '*@*[^ -~]*'`
const slice = 500
const slicesMax = 40

/**
 * Stores each address as new ones are. Where another account has it already, both stay as they are; gives those addresses.
 * Bounded: what is left waits for the next start, and its people sign in with their own spelling.
 */
export async function normaliseAddresses(db: Db): Promise<string[]> {
  const shared: string[] = []
  const ids: number[] = []
  try {
    let after = 0
    for (let slices = 0; slices < slicesMax; slices++) {
      const rows = await db.values<[number, string]>(
        sql`select id, mailaddress from users where ${sql.raw(wideDomain)} and id > ${after} order by id limit ${slice}`,
      )
      const stale = [...rows]
        .map((row) => [row[0], row[1], normalAddress(row[1])] as const)
        .filter(([, stored, normal]) => stored !== normal)
      for (const [id, normal] of await normalise(db, stale)) {
        ids.push(id)
        shared.push(normal)
      }
      if (rows.length < slice) break
      after = rows.at(-1)![0]
    }
  } catch (error) {
    log.error('addresses not normalised', errorFacts(error))
  }
  if (ids.length > 0)
    log.warn('addresses shared', {
      users: ids.join(' ').slice(0, 200),
      hint: 'Other accounts have the same addresses in another spelling: npm run db:check names them.',
    })
  return shared
}

/** Writes a slice; gives the rows whose address another account has. */
async function normalise(
  db: Db,
  stale: (readonly [id: number, stored: string, normal: string])[],
): Promise<[id: number, normal: string][]> {
  if (stale.length === 0) return []
  const rows = JSON.stringify(stale)
  await db.run(sql`update or ignore users set mailaddress = value ->> 2 from json_each(${rows})
    where users.id = value ->> 0 and mailaddress = value ->> 1`)
  const left = await db.values<[number, string]>(sql`select value ->> 0, value ->> 2
    from json_each(${rows}) join users on users.id = value ->> 0 where mailaddress = value ->> 1`)
  return [...left].map((row) => [row[0], row[1]])
}

/** The accounts that have one address in several spellings, a sentence for each. */
export function* findSharedAddresses(): Check<string[]> {
  const spellings = new Map<string, string[]>()
  const wide = yield* rowsOf(`select id, mailaddress from users where ${wideDomain}`)
  for (const [id, stored] of wide as [number, string][]) {
    const normal = normalAddress(stored)
    if (normal === stored) continue
    const other = yield* rowsOf('select id from users where mailaddress = ?', [normal])
    const known = spellings.get(normal) ?? other.map(([one]) => `users ${String(one)} (${normal})`)
    spellings.set(normal, [...known, `users ${id} (${stored})`])
  }
  return [...spellings.values()]
    .filter((accounts) => accounts.length > 1)
    .map((accounts) => `${accounts.join(' and ')} have the same address`)
}
