// SQL about whom a person does not see, and about suspended people.
import { sql } from 'drizzle-orm'

/**
 * The name of a person, empty while the person is suspended: lists leave out rows of nobody's name (deletions.ts). It is
 * beside the name in the row, so no query becomes slower.
 */
export const shownName = sql<string>`iif(users.suspended_at is null, users.name, '')`

/** A condition for a list of people: without those whom the viewer hides. Bind `viewer`. */
export const notHidden = sql`not exists (select 1 from hidden
  where hidden.viewer_id = ${sql.placeholder('viewer')} and hidden.author_id = users.id)`

/** Whom of the people in `asked` (JSON of ids) the person of a row of `users` hides, with commas; null for nobody. */
export const askedHidden = sql<
  string | null
>`iif(users.hidden_count > 0, (select group_concat(author_id)
  from json_each(${sql.placeholder('asked')}) cross join hidden
  on hidden.viewer_id = users.id and hidden.author_id = value), null)`
