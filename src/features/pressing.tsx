// What likes, reposts and bookmarks share: their state, and the answer to a press of their buttons.
import { eq, sql } from 'drizzle-orm'
import type { SelectedFields } from 'drizzle-orm/sqlite-core'
import type { Context } from 'hono'

import { prepared, type Db } from '../db/db.ts'
import { originalOf } from '../db/originals.ts'
import { tweets } from '../db/schema/index.ts'
import type { OfOne } from '../http/action.ts'
import type { Env } from '../http/context.ts'
import { found } from '../http/validation.ts'
import { answer } from '../ui/answer.ts'
import { Pressed } from '../ui/press-button.tsx'

type Press = (db: Db, userId: number, tweetId: number) => Promise<void>

/** The query for these columns of a tweet; of a retweet, its original. Binds `viewer` and `id`. */
export const stateOf = <T extends SelectedFields>(columns: T) =>
  prepared((db: Db) =>
    db
      .select({ id: tweets.id, ...columns })
      .from(tweets)
      .where(eq(tweets.id, originalOf(sql.placeholder('id'))))
      .prepare(),
  )

type StateQuery<S> = (db: Db) => {
  get: (bound: { viewer: number; id: number }) => Promise<S | undefined>
}
export type StateIn<Q extends StateQuery<unknown>> = NonNullable<
  Awaited<ReturnType<ReturnType<Q>['get']>>
>

/** Handlers that change something about a tweet, then answer with its button as it is now. */
export const pressing =
  <S extends { id: number }>(
    stateQuery: StateQuery<S>,
    button: (state: S) => Parameters<typeof Pressed>[0],
  ) =>
  (press: Press) =>
  async (c: Context<Env, string, OfOne>) => {
    const { db, viewer } = c.var
    const { id } = c.req.valid('param')
    await press(db, viewer.id, id)
    const state = found(await stateQuery(db).get({ viewer: viewer.id, id }))
    return answer(c, { partial: <Pressed {...button(state)} />, to: `#tweet-${id}` })
  }
