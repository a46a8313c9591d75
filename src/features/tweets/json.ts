import type { Card } from './queries.ts'

/** What a program gets of a tweet in a list. Of who bookmarks it, it learns only whether it does so itself. */
export const tweetJson = (card: Card) => ({
  id: card.id,
  author: { id: card.userId, name: card.name, handle: card.handle },
  msg: card.msg,
  created_at: card.createdAt,
  reply_to: card.replyTo,
  quote: card.quoteOf,
  reply_count: card.replyCount,
  retweet_count: card.retweetCount,
  like_count: card.likeCount,
  retweeted: card.retweeted,
  liked: card.liked,
  bookmarked: card.bookmarked,
})
