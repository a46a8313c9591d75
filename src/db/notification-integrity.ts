// Has every notification its cause, and every cause its notification? For db:check, db:repair and the demo world.
import type Database from 'libsql'

import { hasTable, onFile, rowsMax, rowsOf, type Check } from './integrity-query.ts'

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

/** Does this person hide who did it? */
const hides = (row: string) =>
  `EXISTS (SELECT 1 FROM hidden h WHERE h.viewer_id = ${row}.user_id AND h.author_id = ${row}.actor_id)`

/** Is this cause from while the person hid the actor? An end of that brings no notification back. */
const isInGap = (table: string) =>
  `EXISTS (SELECT 1 FROM notification_gaps g WHERE g.user_id = c.user_id AND g.actor_id = c.actor_id
    AND c.cause_id <= g.${table})`

/** Is one of both, or the tweet, hidden until a large deletion has removed what is of it (deletions.ts)? */
const isGoing = `(EXISTS (SELECT 1 FROM users u WHERE u.id IN (c.user_id, c.actor_id) AND u.name = '')
    OR EXISTS (SELECT 1 FROM tweets t WHERE t.id = c.tweet_id AND t.retweet_of = t.id))`

/** Causes of this kind that nobody was told, but their own and those of people who are or were hidden. */
const untoldOf = ({ kind, table, id, columns, from }: Cause, knowsHidden: boolean) =>
  `SELECT c.user_id, '${kind}' AS kind, c.actor_id, c.tweet_id, c.created_at FROM (
    SELECT ${columns}, ${id} AS cause_id FROM ${from}
    WHERE ${id} > (SELECT after_id FROM notification_starts WHERE cause = '${table}')) c
  WHERE c.user_id <> c.actor_id AND NOT EXISTS (SELECT 1 FROM notifications n WHERE ${isTold(kind)})
    AND NOT ${isGoing}
    ${knowsHidden ? `AND NOT ${hides('c')} AND NOT ${isInGap(table)}` : ''}`

// The tweet that was answered or quoted may be gone: its reply stays, and so does the notification.
const answers = (column: string) =>
  `EXISTS (SELECT 1 FROM tweets t WHERE t.id = n.tweet_id AND t.user_id = n.actor_id AND t.${column} IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM tweets o WHERE o.id = t.${column} AND o.user_id <> n.user_id))`
const owned = 'EXISTS (SELECT 1 FROM tweets o WHERE o.id = n.tweet_id AND o.user_id = n.user_id)'

const withoutCause = `n.user_id = n.actor_id OR NOT CASE n.kind
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

const faultsOf = (knowsHidden: boolean) => {
  const isGroundless = knowsHidden ? `${hides('n')} OR ${withoutCause}` : withoutCause
  return {
    groundless: `SELECT n.id FROM notifications n WHERE ${isGroundless}`,
    twice: `SELECT n.id FROM notifications n WHERE ${twice}`,
    untold: causes.map((cause) => untoldOf(cause, knowsHidden)).join(' UNION ALL '),
  }
}

/** SELECTs of what is wrong: notifications without a cause, second ones, causes without a notification. */
export const notificationFaults = faultsOf(true)
/** The same for a database from before people could hide others. */
const olderFaults = faultsOf(false)

function* faultsHere(): Check<typeof notificationFaults | undefined> {
  if (!(yield* hasTable('notification_starts'))) return undefined
  return (yield* hasTable('hidden')) ? notificationFaults : olderFaults
}

/** Lists what is wrong, one sentence each. A database from before notifications has nothing of it. */
export function* findMisnotified(): Check<string[]> {
  const faults = yield* faultsHere()
  if (faults === undefined) return []
  const some = (select: string) => rowsOf(`${select} LIMIT ${rowsMax}`)
  return [
    ...(yield* some(faults.groundless)).map(
      ([id]) => `notifications ${String(id)}: it has no cause`,
    ),
    ...(yield* some(faults.twice)).map(([id]) => `notifications ${String(id)}: it is there twice`),
    ...(yield* some(faults.untold)).map(
      ([user, kind, actor, tweet]) =>
        `users ${String(user)}: not told of a ${String(kind)} by ${String(actor)}${tweet === null ? '' : `, tweet ${String(tweet)}`}`,
    ),
  ]
}

/** Deletes second notifications; before the unique index can be made again. */
export function removeSecondNotifications(db: Database.Database): void {
  if (onFile(db, faultsHere())) db.exec(`DELETE FROM notifications AS n WHERE ${twice}`)
}

/** Deletes notifications without a cause and writes those that are missing. Call it in a transaction. */
export function renotify(db: Database.Database): void {
  const faults = onFile(db, faultsHere())
  if (faults === undefined) return
  db.exec(`DELETE FROM notifications WHERE id IN (${faults.groundless})`)
  removeSecondNotifications(db)
  db.exec(writing(faults))
}

const writing = ({ untold }: { untold: string }) => `INSERT INTO notifications
  (user_id, kind, actor_id, tweet_id, created_at) SELECT * FROM (${untold}) ORDER BY created_at, kind DESC`

/** Writes all notifications that are missing, oldest first. */
export const writeUntold = writing(notificationFaults)

/** From now on: what is there notifies nobody. */
export const startNotifications = `INSERT INTO notification_starts (cause, after_id)
  SELECT 'favorites', coalesce(max(id), 0) FROM favorites UNION ALL
  SELECT 'follows', coalesce(max(id), 0) FROM follows UNION ALL
  SELECT 'tweets', coalesce(max(id), 0) FROM tweets WHERE true
  ON CONFLICT (cause) DO UPDATE SET after_id = excluded.after_id`
