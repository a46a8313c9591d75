// The page of one tweet: what it answers above it, the replies below it, and a form for one more.
import { sql } from 'drizzle-orm'
import type { Context } from 'hono'

import { fullTime } from '../../base/format.ts'
import { shorten } from '../../base/text.ts'
import { prepared, type Db } from '../../db/db.ts'
import { isGone } from '../../db/deletions.ts'
import { tweets } from '../../db/schema/index.ts'
import { isRemote, together } from '../../db/together.ts'
import type { Env } from '../../http/context.ts'
import { readerOf, type Viewer } from '../../http/sessions.ts'
import { found } from '../../http/validation.ts'
import { answerFeed, readFeed, type Slice } from '../../ui/feed.tsx'
import { ReportMenu } from '../reports/views.tsx'
import { Composer } from './composer.tsx'
import { cardList, cardsOf, linksOf, type Card } from './queries.ts'
import { replyField, TweetCard } from './views.tsx'

/** So many tweets above one are shown; the page of the uppermost has those before it. */
const aboveMax = 20

/** A tweet and those above it, from the uppermost down; their `cursor` is how far up they are. */
const conversation = prepared((db: Db) =>
  cardsOf(
    db,
    // `raw` is safe: the number is a constant.
    sql`with recursive above(id, cursor) as (
      select coalesce(${tweets.retweetOf}, ${tweets.id}), 0 from ${tweets} where ${tweets.id} = ${sql.placeholder('id')}
      union all
      select ${tweets.replyTo}, above.cursor + 1 from above join ${tweets} on ${tweets.id} = above.id
        where ${tweets.replyTo} is not null and above.cursor < ${sql.raw(String(aboveMax))})
      select id, cursor from above`,
    'desc',
  ),
)

const repliesTo = cardList({
  id: tweets.id,
  from: sql`${tweets} where ${tweets.replyTo} = ${sql.placeholder('tweet')}`,
  oldestFirst: true,
})

/** Answers with the page of a tweet, or with the next slice of its replies. */
export async function threadPage(c: Context<Env>, id: number, slice: Slice): Promise<Response> {
  const { db, visitor } = c.var
  const reader = readerOf(visitor)
  const readReplies = () =>
    readFeed(slice, { ...repliesTo(db), keepsHidden: true }, { ...reader, tweet: id }, 0)
  const [all, early] = await together(db, () =>
    Promise.all([
      conversation(db).all({ ...reader, id }),
      isRemote(db) ? readReplies() : undefined,
    ]),
  )
  // What is above a hidden one is out of reach, as it is above a deleted one.
  const above = all.slice(all.findLastIndex((one) => isGone(one)) + 1)
  const card = found(above.pop())
  if (card.id !== id) return c.redirect(`/tweet/${card.id}`, 302)
  const replies = early ?? (await readReplies())
  return answerFeed(c, slice, replies, {
    label: 'Replies',
    path: `/tweet/${id}`,
    oldestFirst: true,
    head: {
      title: shorten(`${card.name}: ${card.msg.replace(/\s+/g, ' ')}`, 80),
      description: card.msg,
      canonical: `/tweet/${id}`,
    },
    item: (reply, position) =>
      TweetCard({ card: reply, viewer: visitor, position, inThread: true }),
    empty: <p>No replies yet.</p>,
    around: (list) => (
      <>
        <h1>Post</h1>
        <Above cards={above} card={card} viewer={visitor} />
        <div class='one'>
          {/* Somebody has asked for this very post, so it is shown. */}
          <TweetCard
            card={{ ...card, hidden: false }}
            viewer={visitor}
            inThread
            autofocus={above.length > 0}
          />
          <Facts {...card} />
          {visitor && visitor.id !== card.userId && <ReportMenu id={id} />}
        </div>
        {visitor ? (
          <Composer author={visitor.id} replyTo={id} live />
        ) : (
          <p class='to-reply' id={replyField(id)}>
            <a class='btn quiet' href={`/login?next=/tweet/${id}`}>
              Log in to reply
            </a>
          </p>
        )}
        <h2 class='vh'>Replies</h2>
        {list}
      </>
    ),
  })
}

const Facts = ({ createdAt, handle, name }: Card) => (
  <p class='facts'>
    <time datetime={new Date(createdAt).toISOString()}>{fullTime(createdAt)}</time>
    <a href={`/@${handle}`}>
      More by <bdi>{name}</bdi>
    </a>
  </p>
)

type AboveProps = { cards: Card[]; card: Card; viewer: Viewer | undefined }

/** The tweets above this one. The uppermost begins the conversation, or answers one that is gone or further up. */
const Above = ({ cards, card, viewer }: AboveProps) => {
  const first = cards[0] ?? card
  const { replyTo } = linksOf(first)
  if (replyTo === null && cards.length === 0) return <></>
  return (
    <section class='above' aria-label='What it replies to'>
      {replyTo !== null &&
        (cards.length === aboveMax ? (
          <p class='newer'>
            <a href={`/tweet/${first.id}`}>Earlier</a>
          </p>
        ) : (
          <p class='gone'>This post is gone.</p>
        ))}
      {cards.map((one) => TweetCard({ card: one, viewer, inThread: true }))}
    </section>
  )
}
