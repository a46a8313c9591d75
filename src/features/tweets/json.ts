import { actionsOf, linksOf, type Card } from './queries.ts'

/** What a program gets of a tweet in a list. Of who bookmarks it, it learns only whether it does so itself. */
export const tweetJson = (card: Card) => ({
  id: card.id,
  author: { id: card.userId, name: card.name, handle: card.handle },
  msg: card.msg,
  created_at: card.createdAt,
  reply_to: linksOf(card).replyTo,
  quote: linksOf(card).quoteOf,
  reply_count: card.replyCount,
  retweet_count: card.retweetCount,
  like_count: card.likeCount,
  ...actionsOf(card),
})
