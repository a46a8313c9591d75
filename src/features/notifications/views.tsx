// One entry of the list: who did what, and the words that it is about.
import type { Child } from 'hono/jsx'

import { ago, counted, fullTime } from '../../base/format.ts'
import { shorten } from '../../base/text.ts'
import { Face } from '../../ui/icon.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import { FavoriteButton } from '../favorites.tsx'
import { RetweetButton } from '../retweets.tsx'
import { QuoteLink } from '../tweets/quotes.tsx'
import { ReplyLink } from '../tweets/views.tsx'
import type { Group, Row } from './queries.ts'

const did: Record<Row['kind'], string> = {
  like: 'liked your post',
  retweet: 'reposted your post',
  follow: 'followed you',
  reply: 'replied to your post',
  quote: 'quoted your post',
  mention: 'mentioned you',
}

/** So many people have a name in the sentence when there are more of them than that and one. */
const namesShown = 2
/** So many have a face below it. */
const facesShown = 10

const Name = ({ name, handle }: Pick<Row, 'name' | 'handle'>) => (
  <a class='username' href={`/@${handle}`}>
    <bdi>{name}</bdi>
  </a>
)

/** "Ann", "Ann and Bob", "Ann, Bob and Cid", "Ann, Bob and 2 others". */
function names(rows: Row[]): Child[] {
  const named = rows.length > namesShown + 1 ? rows.slice(0, namesShown) : rows
  const parts: Child[] = named.map((row) => Name(row))
  if (named.length < rows.length)
    parts.push(<span>{counted(rows.length - named.length, 'other')}</span>)
  return parts.flatMap((part, index) => [
    index === 0 ? '' : index === parts.length - 1 ? ' and ' : ', ',
    part,
  ])
}

type EntryProps = { group: Group; seen: number; position: number }

/** `seen`: the newest notification that was seen before. */
export const Entry = ({ group: { cursor, rows }, seen, position }: EntryProps) => {
  const [newest] = rows
  const { kind, tweetId } = newest
  const isOwnWork = kind === 'like' || kind === 'retweet'
  const to = tweetId === null ? `/@${newest.handle}` : `/tweet/${tweetId}`
  return (
    <article
      class={cursor > seen ? 'tweet told fresh' : 'tweet told'}
      data-tweet-id={isOwnWork ? undefined : (tweetId ?? undefined)}
      tabindex={0}
      aria-labelledby={`by-${cursor}`}
      aria-describedby={tweetId === null ? undefined : `msg-${cursor}`}
      aria-posinset={position}
      aria-setsize={-1}
    >
      <a class='face-link' href={`/@${newest.handle}`} tabindex={-1} aria-hidden='true'>
        <Face id={newest.actorId} />
      </a>
      <p class='by' id={`by-${cursor}`}>
        <span>
          {cursor > seen && <span class='vh'>New: </span>}
          {names(rows)} {did[kind]}
        </span>
        <a class='timestamp' href={to}>
          <time
            datetime={new Date(newest.createdAt).toISOString()}
            title={fullTime(newest.createdAt)}
          >
            {ago(newest.createdAt, Date.now())}
          </time>
        </a>
      </p>
      {rows.length > 1 && <Faces rows={rows} />}
      {tweetId !== null && (
        <p class={isOwnWork ? 'about' : 'msg'} id={`msg-${cursor}`} dir='auto'>
          {isOwnWork ? shorten(newest.msg ?? '', 140) : LinkedText({ children: newest.msg ?? '' })}
        </p>
      )}
      {tweetId !== null && !isOwnWork && <Actions row={newest} id={tweetId} />}
    </article>
  )
}

const Faces = ({ rows }: { rows: Row[] }) => (
  <p class='faces'>
    {rows.slice(1, facesShown + 1).map(({ actorId, name, handle }) => (
      <a href={`/@${handle}`} aria-label={name}>
        <Face id={actorId} />
      </a>
    ))}
  </p>
)

const Actions = ({ row, id }: { row: Row; id: number }) => (
  <form class='actions' method='post'>
    <ReplyLink id={id} replyCount={row.replyCount ?? 0} />
    <RetweetButton id={id} retweetCount={row.retweetCount ?? 0} retweeted={row.retweeted} />
    <QuoteLink id={id} />
    <FavoriteButton id={id} likeCount={row.likeCount ?? 0} liked={row.liked} />
  </form>
)
