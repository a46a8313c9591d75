import { DrizzleQueryError } from 'drizzle-orm/errors'

/**
 * What went wrong with a query, without drizzle's own message around it: that one holds the query's values, which people
 * have written (tweets, addresses, hashes of tokens). Anything else comes back as it is.
 */
export const behindQuery = (error: unknown): unknown =>
  error instanceof DrizzleQueryError ? error.cause : error

const cures = {
  search_index_damaged: 'The search index is damaged: stop the app and npm run db:repair.',
  database_damaged: 'The database is damaged: npm run db:check says what cures it.',
}

/** Is this a damaged database? Then the code of the answer and, for the log, what cures it. */
export function damageIn(error: unknown): { code: keyof typeof cures; cure: string } | undefined {
  const known = behindQuery(error)
  if (!(known instanceof Error)) return undefined
  const sqlite = String(
    'extendedCode' in known ? known.extendedCode : 'code' in known ? known.code : '',
  )
  const isOfIndex =
    sqlite === 'SQLITE_CORRUPT_VTAB' ||
    /vtable constructor|fts5|tweets_fts|tweets_search|people_search/.test(known.message) ||
    // What FTS5 says, without a name, when it meets rows of its own that should not be there.
    /(^|: )constraint failed$/.test(known.message)
  const isDamaged = /SQLITE_(CORRUPT|NOTADB)/.test(`${sqlite} ${known.message}`)
  const code = isOfIndex ? 'search_index_damaged' : isDamaged ? 'database_damaged' : undefined
  return code && { code, cure: cures[code] }
}
