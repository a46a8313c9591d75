// What likes, reposts and bookmarks share: the answer to a press of their buttons.
import type { Context } from 'hono'

import type { Db } from '../db/db.ts'
import type { OfOne } from '../http/action.ts'
import type { Env } from '../http/context.ts'
import { found } from '../http/validation.ts'
import { answer } from '../ui/answer.ts'
import { Pressed } from '../ui/press-button.tsx'

type Press = (db: Db, userId: number, tweetId: number) => Promise<void>
type StateQuery<S> = (db: Db) => {
  get: (bound: { viewer: number; id: number }) => Promise<S | undefined>
}

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
