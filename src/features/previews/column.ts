// The column of a card that has its preview. Without LINK_PREVIEWS=1, no statement mentions it.
import { sql } from 'drizzle-orm'

import type { Db } from '../../db/db.ts'

const previewing = new WeakSet<Db>()

/** From now on, cards that are read from this database have their previews. Call it before the first is read. */
export const showPreviews = (db: Db): void => void previewing.add(db)

export const showsPreviews = (db: Db): boolean => previewing.has(db)

/** What `preview` of a card has: JSON, because two equal texts are the same card. */
export type Preview = [url: string, title: string, description: string]

export const previewColumn = sql<
  string | null
>`(select json_array(shown.url, shown.title, shown.description) from tweet_previews shown
  where shown.tweet_id = tweets.id)`
