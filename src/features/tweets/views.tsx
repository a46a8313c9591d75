import { html, raw } from 'hono/html'

import { ago, counted, fullTime, shortCount } from '../../base/format.ts'
import type { Viewer } from '../../http/sessions.ts'
import { cardLookups, cachedFragment } from '../../ui/fragment-cache.ts'
import { Face, Icon } from '../../ui/icon.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import { FavoriteButton } from '../favorites.tsx'
import { charactersLeft, graphemesMax } from './length.ts'
import { isSame, keyOf, type Card } from './queries.ts'

export type { Card }

/**
 * One tweet. Its position is outside of the cached part, so that one cached card serves all lists. Lists call it as a
 * function: twenty JSX elements cost 15 µs.
 */
export const TweetCard = ({
  card,
  viewer,
  position,
  inThread = false,
  autofocus = false,
}: {
  card: Card
  viewer: Viewer | undefined
  position?: number
  /** The tweet that it answers is right above it. */
  inThread?: boolean
  /** Where the page begins to be read, below others. */
  autofocus?: boolean
}) => {
  const { id } = card
  // A string instead of JSX: twenty times a page, JSX would take as long as all the rest. Only numbers are inserted.
  const place = position === undefined ? '' : ` aria-posinset="${position}" aria-setsize="-1"`
  const mayDelete = viewer !== undefined && (viewer.id === card.userId || viewer.operator)
  const when = ago(card.createdAt, Date.now())
  const shown = { card, when, mayDelete, inThread: inThread && card.replyTo !== null }
  const content = inside(shown).toString()
  const focus = autofocus ? ' autofocus' : ''
  return raw(
    `<article class="tweet" id="tweet-${id}" data-tweet-id="${id}" tabindex="0" aria-labelledby="by-${id}" aria-describedby="msg-${id}"${place}${focus}>${content}</article>`,
  )
}

type Inside = { card: Card; when: string; mayDelete: boolean; inThread: boolean }

// A template literal instead of JSX: rendering a card that is not cached takes half the time.
const inside = cachedFragment(
  {
    keyOf: ({ card, mayDelete, inThread }: Inside) =>
      4 * keyOf(card) + 2 * Number(mayDelete) + Number(inThread),
    // All columns of a card are compared, so a cached card is never outdated.
    isSame: (one, other) => one.when === other.when && isSame(one.card, other.card),
    counts: cardLookups,
  },
  ({ card, when, mayDelete, inThread }: Inside) => {
    const { id, handle, createdAt } = card
    const iso = new Date(createdAt).toISOString()
    const text = LinkedText({ children: card.msg })
    const isAlone = card.replyTo !== null && !inThread
    return html`<a class="face-link" href="/@${handle}" tabindex="-1" aria-hidden="true"
        >${Face({ id: card.userId })}</a
      >
      <p class="by" id="by-${id}">
        <a class="username" href="/@${handle}"><bdi>${card.name}</bdi></a>
        <span class="handle">@${handle}</span>
        <a class="timestamp" href="/tweet/${id}"
          ><time datetime="${iso}" title="${fullTime(createdAt)}">${when}</time></a
        >${isAlone && ReplyingTo(card)}
      </p>
      <p class="msg" id="msg-${id}" dir="auto">${text}</p>
      <div class="actions">
        ${ReplyLink(card)}${FavoriteButton(card)}${mayDelete && DeleteButton(card)}
      </div>`
  },
)

/** Drops the cached cards of deleted tweets. */
export const forgetCards = (isGone: (card: Card) => boolean): void =>
  inside.forget(({ card }) => isGone(card))

const ReplyingTo = ({ replyTo, repliedHandle }: Pick<Card, 'replyTo' | 'repliedHandle'>) => (
  <span class='to'>
    {repliedHandle === null ? (
      'Replying to a post that is gone'
    ) : (
      <>
        Replying to <a href={`/tweet/${replyTo}`}>@{repliedHandle}</a>
      </>
    )}
  </span>
)

/** The id of the field for a reply, and where its page begins to be about it. */
export const replyField = (id: number): string => `reply-to-${id}`

/** Leads to the field for a reply, on the page of the tweet. */
export const ReplyLink = ({ id, replyCount }: Pick<Card, 'id' | 'replyCount'>) => (
  <a
    id={`reply-${id}`}
    class='reply'
    href={`/tweet/${id}#${replyField(id)}`}
    aria-label={`Reply, ${counted(replyCount, 'reply', 'replies')}`}
  >
    <Icon name='reply' />
    <span>{shortCount(replyCount)}</span>
  </a>
)

/** What the question before a deletion says. */
export const whatGoes = (replyCount: number): string =>
  replyCount > 0
    ? 'It cannot be brought back. The replies to it stay.'
    : 'It cannot be brought back.'

/** A link to the confirmation page; with htmx a confirmation dialog and a POST. */
const DeleteButton = ({ id, replyCount }: Pick<Card, 'id' | 'replyCount'>) => (
  <a
    class='delete'
    href={`/tweet/${id}/delete`}
    hx-post={`/tweet/${id}/delete`}
    hx-confirm={`Delete this post? ${whatGoes(replyCount)}`}
    hx-target='closest article'
    hx-swap='delete'
    hx-sync='this:drop'
  >
    <Icon name='trash' />
    <span>Delete</span>
  </a>
)

type ComposerProps = {
  /** The id of the author: for the avatar and the hidden field. */
  author: number
  msg?: string
  problem?: string | undefined
  focus?: boolean
  key?: string
  /** The id of the tweet that it answers. */
  replyTo?: number | undefined
  live: boolean
}

/**
 * The form for a new tweet; `live`: a feed below it shows the tweet at once. The `?` makes its URL differ from that of
 * the page /post: a POST to a page's own URL drops the page from the browser's cache, and Back would show the old text
 * with a new key.
 */
export const Composer = ({ key, live, ...draft }: ComposerProps) => (
  <form
    id='composer'
    class='composer'
    method='post'
    action='/post?'
    hx-sync='this:drop'
    {...(live && {
      'hx-post': '/tweet',
      'hx-swap': 'outerHTML',
      'hx-status:404': 'swap:outerHTML',
      'hx-status:422': 'swap:outerHTML',
      'hx-status:429': 'swap:outerHTML',
    })}
  >
    {draft.msg || draft.problem || draft.replyTo ? draftFields(draft) : blankFields(draft)}
    {draft.replyTo && <input type='hidden' name='reply_to' value={draft.replyTo} />}
    <input type='hidden' name='author' value={draft.author} />
    <input type='hidden' name='key' value={key ?? crypto.randomUUID()} />
  </form>
)

type Draft = Pick<ComposerProps, 'author' | 'msg' | 'problem' | 'focus' | 'replyTo'>

const wordsOf = (replyTo: number | undefined) =>
  replyTo === undefined
    ? { id: 'msg', label: 'Your post', placeholder: 'What did you see?', button: 'Post' }
    : {
        id: replyField(replyTo),
        label: 'Your reply',
        placeholder: 'Write a reply',
        button: 'Reply',
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
const draftFields = (draft: Draft) => fieldsFor(draft, wordsOf(draft.replyTo))

/** Empty forms of one author are the same, so they are cached; the key is outside, because each form has its own. */
const blankFields = cachedFragment(
  { keyOf: ({ author, focus }: Draft) => 2 * author + Number(focus ?? false) },
  draftFields,
)
