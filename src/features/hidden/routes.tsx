// Mute and block, and taking it back.
import type { Context } from 'hono'

import { Refusal } from '../../base/refusal.ts'
import { action, type OfOne } from '../../http/action.ts'
import { cameFrom, type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { found } from '../../http/validation.ts'
import { answer } from '../../ui/answer.ts'
import { MyNewCount, NewCount } from '../../ui/counts.tsx'
import { Toast } from '../../ui/feed.tsx'
import { PressedFollow } from '../follows/views.tsx'
import { hide, hidingState, unhide, type Kind } from './queries.ts'
import { ChangedPerson } from './views.tsx'

const said = {
  mute: 'is muted: their posts are left out of your lists.',
  block: 'is blocked: neither of you can follow or answer the other.',
  unmute: 'is not muted any more.',
  unblock: 'is not blocked any more.',
}

/** Answers with the menu, what the profile says, and the follow that a block ends. */
async function answerHiding(c: Context<Env>, id: number, done: keyof typeof said) {
  const { db, viewer } = c.var
  const state = found(await hidingState(db, viewer.id, id))
  const sentence = `${state.name} ${said[done]}`
  const partial = (
    <>
      <ChangedPerson {...state} viewer={viewer} />
      {done === 'block' && (
        <>
          <PressedFollow {...state} />
          <NewCount of='followers' id={id} count={state.followerCount} />
          <MyNewCount of='following' id={viewer.id} count={state.viewerFollows} />
        </>
      )}
      <Toast>{sentence}</Toast>
    </>
  )
  const isInAccount = cameFrom(c, '/').startsWith('/account')
  return answer(c, { partial, to: isInAccount ? '#hidden' : `#user-${id}`, flash: sentence })
}

const hides = (kind: Kind) => async (c: Context<Env, string, OfOne>) => {
  const { id } = c.req.valid('param')
  if (id === c.var.viewer.id) throw new Refusal(400, `You cannot ${kind} yourself.`)
  await hide(c.var.db, c.var.viewer.id, id, kind)
  return answerHiding(c, id, kind)
}
const unhides = (kind: Kind) => async (c: Context<Env, string, OfOne>) => {
  const { id } = c.req.valid('param')
  await unhide(c.var.db, c.var.viewer.id, id, kind)
  return answerHiding(c, id, `un${kind}`)
}

export const hiddenRoutes = router()
  .post('/mute/:id{[0-9]+}', traced('hidden.mute'), ...action, hides('mute'))
  .post('/unmute/:id{[0-9]+}', traced('hidden.unmute'), ...action, unhides('mute'))
  .post('/block/:id{[0-9]+}', traced('hidden.block'), ...action, hides('block'))
  .post('/unblock/:id{[0-9]+}', traced('hidden.unblock'), ...action, unhides('block'))
