// Has every notification its cause, and every cause its notification? For db:check, db:repair and the demo world.
import type Database from 'libsql'

const rowsOf = (db: Database.Database, sql: string) => db.prepare(sql).raw().all([]) as unknown[][]

/** At most this many problems of one kind are listed. */
const rowsMax = 20

/** `from` has the rows that notify; `id` is compared with the start of their table. */
type Cause = { kind: string; table: string; id: string; columns: string; from: string }

const causes: Cause[] = [
  {
    kind: 'like',
    table: 'favorites',
    id: 'f.id',
    columns: 't.user_id AS user_id, f.user_id AS actor_id, t.id AS tweet_id, f.created_at',
    from: 'favorites f JOIN tweets t ON t.id = f.tweet_id',
  },
  {
    kind: 'follow',
    table: 'follows',
    id: 'f.id',
    columns: 'f.followed_id AS user_id, f.follower_id AS actor_id, NULL AS tweet_id, f.created_at',
    from: 'follows f',
  },
  ...(['reply', 'quote'] as const).map((kind) => ({
    kind,
    table: 'tweets',
    id: 't.id',
    columns: 'o.user_id AS user_id, t.user_id AS actor_id, t.id AS tweet_id, t.created_at',
    from: `tweets t JOIN tweets o ON o.id = t.${kind === 'reply' ? 'reply_to' : 'quote_of'}`,
  })),
  {
    kind: 'retweet',
    table: 'tweets',
    id: 't.id',
    columns: 'o.user_id AS user_id, t.user_id AS actor_id, o.id AS tweet_id, t.created_at',
    from: 'tweets t JOIN tweets o ON o.id = t.retweet_of',
  },
  {
    kind: 'mention',
    table: 'tweets',
    id: 't.id',
    columns: 'm.user_id AS user_id, t.user_id AS actor_id, t.id AS tweet_id, t.created_at',
    from: `mentions m JOIN tweets t ON t.id = m.tweet_id AND NOT EXISTS (
      SELECT 1 FROM tweets o WHERE o.id IN (t.reply_to, t.quote_of) AND o.user_id = m.user_id)`,
  },
]

/** Is there this notification? A tweet that replies to or quotes somebody tells them once, also if it mentions them. */
const isTold = (kind: string) =>
  kind === 'mention'
    ? 'n.tweet_id = c.tweet_id AND n.user_id = c.user_id'
    : `n.actor_id = c.actor_id AND n.user_id = c.user_id AND n.kind = '${kind}'
      AND coalesce(n.tweet_id, 0) = coalesce(c.tweet_id, 0)`

/** Causes of this kind that nobody was told, but their own. */
const untold = ({ kind, table, id, columns, from }: Cause) =>
  `SELECT c.user_id, '${kind}' AS kind, c.actor_id, c.tweet_id, c.created_at FROM (
    SELECT ${columns} FROM ${from}
    WHERE ${id} > (SELECT after_id FROM notification_starts WHERE cause = '${table}')) c
  WHERE c.user_id <> c.actor_id AND NOT EXISTS (SELECT 1 FROM notifications n WHERE ${isTold(kind)})`

/** All of them, for a database that is made at once. */
const allUntold = causes.map(untold).join(' UNION ALL ')

// The tweet that was answered or quoted may be gone: its reply stays, and so does the notification.
const answers = (column: string) =>
  `EXISTS (SELECT 1 FROM tweets t WHERE t.id = n.tweet_id AND t.user_id = n.actor_id AND t.${column} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM tweets o WHERE o.id = t.${column} AND o.user_id <> n.user_id))`
const owned = 'EXISTS (SELECT 1 FROM tweets o WHERE o.id = n.tweet_id AND o.user_id = n.user_id)'

const groundless = `n.user_id = n.actor_id OR NOT CASE n.kind
  WHEN 'like' THEN ${owned}
    AND EXISTS (SELECT 1 FROM favorites f WHERE f.user_id = n.actor_id AND f.tweet_id = n.tweet_id)
  WHEN 'follow' THEN
    EXISTS (SELECT 1 FROM follows f WHERE f.follower_id = n.actor_id AND f.followed_id = n.user_id)
  WHEN 'reply' THEN ${answers('reply_to')}
  WHEN 'quote' THEN ${answers('quote_of')}
  WHEN 'retweet' THEN ${owned}
    AND EXISTS (SELECT 1 FROM tweets t WHERE t.user_id = n.actor_id AND t.retweet_of = n.tweet_id)
  WHEN 'mention' THEN
    EXISTS (SELECT 1 FROM tweets t WHERE t.id = n.tweet_id AND t.user_id = n.actor_id)
    AND EXISTS (SELECT 1 FROM mentions m WHERE m.tweet_id = n.tweet_id AND m.user_id = n.user_id)
END`

// One tweet tells a person once, whether it replies, quotes or mentions. The first row stays: a reply is told before.
const twice = `n.id NOT IN (SELECT min(id) FROM notifications GROUP BY user_id, tweet_id, iif(tweet_id IS NULL, actor_id, 0),
  iif(kind IN ('like', 'retweet'), kind || ' ' || actor_id, ''))`

/** SELECTs of what is wrong: notifications without a cause, second ones, causes without a notification. */
export const notificationFaults = {
  groundless: `SELECT n.id FROM notifications n WHERE ${groundless}`,
  twice: `SELECT n.id FROM notifications n WHERE ${twice}`,
  untold: allUntold,
}

const isThere = (db: Database.Database) =>
  rowsOf(db, "SELECT 1 FROM sqlite_schema WHERE name = 'notification_starts'").length > 0

/** Lists what is wrong, one sentence each. A database from before notifications has nothing of it. */
export function findMisnotified(db: Database.Database): string[] {
  if (!isThere(db)) return []
  const some = (select: string) => rowsOf(db, `${select} LIMIT ${rowsMax}`)
  return [
    ...some(notificationFaults.groundless).map(
      ([id]) => `notifications ${String(id)}: it has no cause`,
    ),
    ...some(notificationFaults.twice).map(
      ([id]) => `notifications ${String(id)}: it is there twice`,
    ),
    ...some(notificationFaults.untold).map(
      ([user, kind, actor, tweet]) =>
        `users ${String(user)}: not told of a ${String(kind)} by ${String(actor)}${tweet === null ? '' : `, tweet ${String(tweet)}`}`,
    ),
  ]
}

/** Deletes second notifications; before the unique index can be made again. */
export function removeSecondNotifications(db: Database.Database): void {
  if (isThere(db)) db.exec(`DELETE FROM notifications AS n WHERE ${twice}`)
}

/** Deletes notifications without a cause and writes those that are missing. Call it in a transaction. */
export function renotify(db: Database.Database): void {
  if (!isThere(db)) return
  db.exec(`DELETE FROM notifications AS n WHERE ${groundless}`)
  removeSecondNotifications(db)
  db.exec(writeUntold)
}

/** Writes all notifications that are missing, oldest first. */
export const writeUntold = `INSERT INTO notifications (user_id, kind, actor_id, tweet_id, created_at)
  SELECT * FROM (${allUntold}) ORDER BY created_at, kind DESC`

/** From now on: what is there notifies nobody. */
export const startNotifications = `INSERT INTO notification_starts (cause, after_id)
  SELECT 'favorites', coalesce(max(id), 0) FROM favorites UNION ALL
  SELECT 'follows', coalesce(max(id), 0) FROM follows UNION ALL
  SELECT 'tweets', coalesce(max(id), 0) FROM tweets WHERE true
  ON CONFLICT (cause) DO UPDATE SET after_id = excluded.after_id`
