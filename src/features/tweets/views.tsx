import { ago, counted, fullTime, shortCount } from '../../base/format.ts'
import type { Viewer } from '../../http/sessions.ts'
import { cardLookups, cachedFragment } from '../../ui/fragment-cache.ts'
import { html, raw } from '../../ui/html.ts'
import { Face } from '../../ui/icon.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import { BookmarkButton } from '../bookmarks.tsx'
import { FavoriteButton } from '../favorites.tsx'
import { LinkPreview } from '../previews/views.tsx'
import { RetweetButton } from '../retweets.tsx'
import { actionsOf, isSame, keyOf, linksOf, type Card, type Links } from './queries.ts'
import { PassedOn, passedBy, quotedAuthor, QuotedTweet, QuoteLink } from './quotes.tsx'

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
  const { id, row } = card
  // A string instead of JSX: twenty times a page, JSX would take as long as all the rest. Only numbers are inserted.
  const place = position === undefined ? '' : ` aria-posinset="${position}" aria-setsize="-1"`
  const mayDelete = viewer !== undefined && (viewer.id === card.userId || viewer.operator)
  const when = ago(card.createdAt, Date.now())
  const shown = { card, when, mayDelete, inThread: inThread && card.linked !== null }
  const content = inside(shown).toString()
  const focus = autofocus ? ' autofocus' : ''
  const passed = id === row ? '' : `passed-${row} `
  if (card.hidden)
    return raw(
      `<article class="hidden-post" id="tweet-${row}" data-tweet-id="${id}" tabindex="0" aria-label="Hidden post"${place}><details><summary>Hidden, show</summary><div class="tweet">${content}</div></details></article>`,
    )
  return raw(
    `<article class="tweet" id="tweet-${row}" data-tweet-id="${id}" tabindex="0" aria-labelledby="${passed}by-${row}" aria-describedby="msg-${row}"${place}${focus}>${content}</article>`,
  )
}

type Inside = { card: Card; when: string; mayDelete: boolean; inThread: boolean }

// A template literal instead of JSX: rendering a card that is not cached takes half the time.
const inside = cachedFragment(
  {
    keyOf: ({ card, mayDelete, inThread }: Inside) =>
      32 * keyOf(card, card.row) + 4 * card.mine + 2 * Number(mayDelete) + Number(inThread),
    // All columns of a card are compared, so a cached card is never outdated.
    isSame: (one, other) => one.when === other.when && isSame(one.card, other.card),
    counts: cardLookups,
  },
  ({ card, when, mayDelete, inThread }: Inside) => {
    const { id, row, handle, createdAt } = card
    const links = linksOf(card)
    const iso = new Date(createdAt).toISOString()
    const text = LinkedText({ children: card.msg })
    const words = html`<p class="msg" id="msg-${row}" dir="auto">${text}</p>`
    const isAlone = links.replyTo !== null && !inThread
    return html`${PassedOn({ row, ...links })}<a
        class="face-link"
        href="/@${handle}"
        tabindex="-1"
        aria-hidden="true"
        >${Face({ id: card.userId })}</a
      >
      <p class="by" id="by-${row}">
        <a class="username" href="/@${handle}"><bdi>${card.name}</bdi></a>
        <span class="handle">@${handle}</span>
        <a class="timestamp" href="/tweet/${id}"
          ><time datetime="${iso}" title="${fullTime(createdAt)}">${when}</time></a
        >${isAlone && ReplyingTo(links)}
      </p>
      ${[words, LinkPreview(card, mayDelete), QuotedTweet(links)]}
      <form class="actions" method="post">
        ${ReplyLink(card)}${actionButtons(card)}${mayDelete && DeleteButton(card)}
      </form>`
  },
)

/** Drops the cached cards of a deleted tweet, and those that quote it. */
export const forgetTweet = (id: number): void =>
  inside.forget(({ card }) => card.id === id || card.row === id || linksOf(card).quoteOf === id)

/** Drops the cached cards of all tweets of a deleted person, and those that quote or pass on one. */
export const forgetPerson = (id: number): void =>
  inside.forget(
    ({ card }) => card.userId === id || quotedAuthor(card) === id || passedBy(card) === id,
  )

/** The buttons that people press, in their order. */
function actionButtons(card: Card) {
  const { liked, retweeted, bookmarked } = actionsOf(card)
  return html`${RetweetButton({ ...card, retweeted })}${QuoteLink(card)}${FavoriteButton({ ...card, liked })}${BookmarkButton({ ...card, bookmarked })}`
}

const ReplyingTo = ({ replyTo, repliedHandle }: Pick<Links, 'replyTo' | 'repliedHandle'>) => (
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
    class='reply'
    href={`/tweet/${id}#${replyField(id)}`}
    aria-label={`Reply, ${counted(replyCount, 'reply', 'replies')}`}
  >
    {shortCount(replyCount)}
  </a>
)

/** What the question before a deletion says. */
export const whatGoes = ({ replyCount, retweetCount }: Counts): string =>
  [
    'It cannot be brought back.',
    replyCount > 0 && 'The replies to it stay.',
    retweetCount > 0 && 'Its reposts go with it.',
  ]
    .filter(Boolean)
    .join(' ')
type Counts = Pick<Card, 'replyCount' | 'retweetCount'>

/** A link to the confirmation page; with htmx a confirmation dialog and a POST. */
const DeleteButton = ({ id, ...counts }: Counts & Pick<Card, 'id'>) => (
  <a
    class='delete'
    href={`/tweet/${id}/delete`}
    hx-post={`/tweet/${id}/delete`}
    hx-confirm={`Delete this post? ${whatGoes(counts)}`}
    hx-target='closest article'
    hx-swap='delete'
  >
    <span>Delete</span>
  </a>
)
