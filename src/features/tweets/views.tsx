import { ago, fullTime } from '../../format.ts'
import { Face, Icon } from '../../icon.tsx'
import { memoised } from '../../memo.ts'
import { LinkedText } from '../../text.tsx'
import type { Viewer } from '../../viewer.ts'
import { FavoriteButton } from '../favorites.tsx'
import type { Card } from './queries.ts'

export type { Card }

/** One tweet. Its position in a list stays outside of what is kept, so that one card serves every list. */
export const TweetCard = ({
  card,
  viewer,
  position,
}: {
  card: Card
  viewer: Viewer | undefined
  position?: number
}) => (
  <article
    class='tweet'
    id={`tweet-${card.id}`}
    data-tweet-id={card.id}
    tabindex={0}
    aria-labelledby={`by-${card.id}`}
    aria-describedby={`msg-${card.id}`}
    aria-posinset={position}
    aria-setsize={position === undefined ? undefined : -1}
  >
    {inside({
      ...card,
      when: ago(card.createdAt, Date.now()),
      mayDelete: viewer !== undefined && (viewer.id === card.userId || viewer.operator),
    })}
  </article>
)

type Inside = Omit<Card, 'cursor'> & { when: string; mayDelete: boolean }

// Everything that is shown is in the key, so a kept card can never be a wrong one.
const keyOf = (card: Inside) =>
  `${card.id} ${card.userId} ${card.likeCount} ${card.liked} ${card.createdAt} ${card.mayDelete} ${card.when}\n${card.handle}\n${card.name}\n${card.msg}`

const inside = memoised(keyOf, (card: Inside) => (
  <>
    <a class='face-link' href={`/@${card.handle}`} tabindex={-1} aria-hidden='true'>
      <Face id={card.userId} />
    </a>
    <p class='by' id={`by-${card.id}`}>
      <a class='username' href={`/@${card.handle}`}>
        <bdi>{card.name}</bdi>
      </a>{' '}
      <span class='handle'>@{card.handle}</span>{' '}
      <a class='timestamp' href={`/tweet/${card.id}`}>
        <time datetime={new Date(card.createdAt).toISOString()} title={fullTime(card.createdAt)}>
          {card.when}
        </time>
      </a>
    </p>
    <p class='msg' id={`msg-${card.id}`} dir='auto'>
      <LinkedText>{card.msg}</LinkedText>
    </p>
    <div class='deeds'>
      <FavoriteButton {...card} />
      {card.mayDelete && <DeleteButton id={card.id} />}
    </div>
  </>
))

/** A link to the page that asks, which htmx turns into a dialog and a deed. */
const DeleteButton = ({ id }: { id: number }) => (
  <a
    class='delete'
    href={`/tweet/${id}/delete`}
    hx-post={`/tweet/${id}/delete`}
    hx-confirm='Delete this tweet? It cannot be brought back.'
    hx-target='closest article'
    hx-swap='delete'
    hx-sync='this:drop'
  >
    <Icon name='trash' />
    <span>Delete</span>
  </a>
)

type ComposerProps = {
  msg?: string
  problem?: string | undefined
  focus?: boolean
  key?: string
  live: boolean
}

/** The form of a new tweet; `live` where a feed below it shows the tweet at once. */
export const Composer = ({ msg = '', problem, focus = false, key, live }: ComposerProps) => (
  <form
    id='composer'
    class='composer'
    method='post'
    action='/post'
    hx-sync='this:drop'
    {...(live && {
      'hx-post': '/tweet',
      'hx-swap': 'outerHTML',
      'hx-status:422': 'swap:outerHTML',
    })}
  >
    <label class='vh' for='msg'>
      Your tweet
    </label>
    <textarea
      id='msg'
      name='msg'
      rows={3}
      required
      placeholder='What did you see?'
      data-count='280'
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
    <input type='hidden' name='key' value={key ?? crypto.randomUUID()} />
    <div class='send'>
      <span id='char-counter' class='counter'>
        280
      </span>
      <button id='post-btn' class='btn'>
        Post
      </button>
    </div>
  </form>
)
