import { DrizzleQueryError } from 'drizzle-orm/errors'

/**
 * What went wrong with a query, without drizzle's own message around it: that one holds the query's values, which people
 * have written (tweets, addresses, hashes of tokens). Anything else comes back as it is.
 */
export const behindQuery = (error: unknown): unknown =>
  error instanceof DrizzleQueryError ? error.cause : error
