// The author of a post takes its preview away.
import type { Context } from 'hono'

import { Refusal } from '../../base/refusal.ts'
import { action } from '../../http/action.ts'
import { type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { found } from '../../http/validation.ts'
import { answer } from '../../ui/answer.ts'
import { authorOf, removePreview } from './store.ts'

async function remove(c: Context<Env>, id: number) {
  const { db, viewer } = c.var
  const author = found(await authorOf(db, id))
  if (author !== viewer.id && !viewer.operator) throw new Refusal(403, 'This post is not yours.')
  await removePreview(db, id)
  const sentence = 'Preview removed.'
  // Words in its place take the focus of the button that is gone.
  const partial = (
    <hx-partial hx-target={`[data-tweet-id="${id}"] .preview`} hx-swap='outerHTML'>
      <p class='preview' tabindex={-1} autofocus>
        {sentence}
      </p>
    </hx-partial>
  )
  return answer(c, { partial, to: `#tweet-${id}`, flash: sentence })
}

/** Also with LINK_PREVIEWS=0: a preview from before can be removed before it is shown again. */
export const previewRoutes = router().post(
  '/tweet/:id{[0-9]+}/preview/delete',
  traced('previews.delete'),
  ...action,
  (c) => remove(c, c.req.valid('param').id),
)
