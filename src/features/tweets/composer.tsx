// The form for a new tweet, a reply or a quote.
import { cachedFragment } from '../../ui/fragment-cache.ts'
import { html } from '../../ui/html.ts'
import { Face } from '../../ui/icon.tsx'
import { charactersLeft, graphemesMax } from './length.ts'
import { replyField } from './views.tsx'

type ComposerProps = {
  /** The id of the author: for the avatar and the hidden field. */
  author: number
  msg?: string
  problem?: string | undefined
  focus?: boolean
  key?: string
  /** The id of the tweet that it answers. */
  replyTo?: number | undefined
  /** The id of the tweet that it quotes. */
  quote?: number | undefined
  live: boolean
}

/**
 * The form for a new tweet; `live`: a feed below it shows the tweet at once. The `?` makes its URL differ from that of
 * the page /post: a POST to a page's own URL drops the page from the browser's cache, and Back would show the old text
 * with a new key.
 */
export const Composer = ({ key, live, ...draft }: ComposerProps) =>
  html`<form id="composer" class="composer" method="post" action="/post?" ${live && posting}>
    ${
      draft.msg || draft.problem || draft.replyTo || draft.quote
        ? draftFields(draft)
        : blankFields(draft)
    }
    ${draft.replyTo && html`<input type="hidden" name="reply_to" value="${draft.replyTo}" />`}
    ${draft.quote && html`<input type="hidden" name="quote" value="${draft.quote}" />`}
    <input type="hidden" name="author" value="${draft.author}" />
    <input type="hidden" name="key" value="${key ?? crypto.randomUUID()}" />
  </form>`

const posting = html`hx-post="/tweet" hx-swap="outerHTML" hx-status:404="swap:outerHTML"
hx-status:422="swap:outerHTML" hx-status:429="swap:outerHTML"`

type Draft = Pick<ComposerProps, 'author' | 'msg' | 'problem' | 'focus' | 'replyTo' | 'quote'>

/** Its id is that of the field: a draft in the browser belongs to it. */
const wordsOf = ({ replyTo, quote }: Draft) => {
  if (replyTo !== undefined)
    return {
      id: replyField(replyTo),
      label: 'Your reply',
      placeholder: 'Write a reply',
      button: 'Reply',
    }
  if (quote !== undefined)
    return {
      id: `quote-${quote}`,
      label: 'Your words about it',
      placeholder: 'What do you say to it?',
      button: 'Post',
    }
  return { id: 'msg', label: 'Your post', placeholder: 'What did you see?', button: 'Post' }
}

const fieldsFor = (
  { author, msg = '', problem, focus = false }: Draft,
  { id, label, placeholder, button }: ReturnType<typeof wordsOf>,
) => (
  <>
    <Face id={author} />
    <label class='vh' for={id}>
      {label}
    </label>
    <textarea
      id={id}
      name='msg'
      rows={2}
      required
      placeholder={placeholder}
      dir='auto'
      data-count={graphemesMax}
      data-draft='typed'
      autofocus={focus || problem !== undefined}
      aria-describedby={problem === undefined ? 'char-counter' : 'char-counter msg-problem'}
      aria-invalid={problem !== undefined}
    >
      {msg}
    </textarea>
    {problem !== undefined && (
      <p class='problem' id='msg-problem' role='alert'>
        {problem}
      </p>
    )}
    <div class='send'>
      <span id='char-counter' class={charactersLeft(msg) < 0 ? 'counter over' : 'counter'}>
        {charactersLeft(msg)}
      </span>
      <button id='post-btn' class='btn'>
        {button}
      </button>
    </div>
  </>
)
const draftFields = (draft: Draft) => fieldsFor(draft, wordsOf(draft))

/** Empty forms of one author are the same, so they are cached; the key is outside, because each form has its own. */
const blankFields = cachedFragment(
  { keyOf: ({ author, focus }: Draft) => 2 * author + Number(focus ?? false) },
  draftFields,
)
