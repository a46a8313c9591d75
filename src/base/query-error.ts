import { DrizzleQueryError } from 'drizzle-orm/errors'

/**
 * The cause of a failed query, without drizzle's wrapper. The wrapper's message contains the query's values (tweets,
 * e-mail addresses, token hashes), which must not be logged. Any other error is returned unchanged.
 */
export const behindQuery = (error: unknown): unknown =>
  error instanceof DrizzleQueryError ? error.cause : error

const silence =
  /fetch failed|terminated|other side closed|UND_ERR_|ECONNRE|SERVER_ERROR|HRANA_PROTO_ERROR|HTTP status 5|TimeoutError|aborted due to timeout|TRANSACTION_TIMEOUT|SQLITE_BUSY/

/** Does this error (or one of its causes) mean that the database server gave no answer, a part of one, or that it is busy? */
export function isAway(error: unknown): boolean {
  for (let one = behindQuery(error); one instanceof Error; one = one.cause) {
    if (silence.test(`${one.name} ${'code' in one ? String(one.code) : ''} ${one.message}`))
      return true
  }
  return false
}

const cures = {
  search_index_damaged: 'The search index is damaged: stop the app and run npm run db:repair.',
  database_damaged: 'The database is damaged: run npm run db:check to see how to repair it.',
}

/** For an error that a damaged database causes: the error code and, for the log, what to do. Else undefined. */
export function damageIn(error: unknown): { code: keyof typeof cures; cure: string } | undefined {
  const known = behindQuery(error)
  if (!(known instanceof Error)) return undefined
  const sqlite = String(
    'extendedCode' in known ? known.extendedCode : 'code' in known ? known.code : '',
  )
  const isOfIndex =
    sqlite === 'SQLITE_CORRUPT_VTAB' ||
    /vtable constructor|fts5|tweets_fts|tweets_search|people_search/.test(known.message) ||
    // FTS5 throws this, without the name of a constraint, when its own tables contain unexpected rows.
    /(^|: )constraint failed$/.test(known.message)
  const isDamaged = /SQLITE_(CORRUPT|NOTADB)/.test(`${sqlite} ${known.message}`)
  const code = isOfIndex ? 'search_index_damaged' : isDamaged ? 'database_damaged' : undefined
  return code && { code, cure: cures[code] }
}
