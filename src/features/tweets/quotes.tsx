// Above a card who passed it on, in it the tweet that it quotes, below it the link to quote it.
import { html } from 'hono/html'

import { Icon } from '../../ui/icon.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import type { Card, Quoted } from './queries.ts'

const passerOf = (passedOn: string) =>
  JSON.parse(passedOn) as [id: number, name: string, handle: string]

/** The id of who passed it on. */
export const passedBy = ({ passedOn }: Pick<Card, 'passedOn'>) =>
  passedOn === null ? undefined : passerOf(passedOn)[0]

/** "NAME reposted", above the card of the original. */
export const PassedOn = ({ row, passedOn }: Pick<Card, 'row' | 'passedOn'>) => {
  if (passedOn === null) return ''
  const [, name, handle] = passerOf(passedOn)
  return html`<p class="passed" id="passed-${row}">
    ${Icon({ name: 'repost' })}<a href="/@${handle}"><bdi>${name}</bdi></a> reposted
  </p>`
}

/** The tweet that this one quotes; undefined where it quotes none, or one that is gone. */
export const quotedIn = ({ quoted }: Pick<Card, 'quoted'>) =>
  quoted === null ? undefined : (JSON.parse(quoted) as Quoted)

/** A tweet as another one quotes it. */
export const asQuoted = ({ userId, name, handle, msg }: Card): string =>
  JSON.stringify([userId, name, handle, msg] satisfies Quoted)

/** Who wrote the tweet that this one quotes. */
export const quotedAuthor = (card: Pick<Card, 'quoted'>) => quotedIn(card)?.[0]

/** The quoted tweet, small: its words, and a link to it. */
export const QuotedTweet = (card: Pick<Card, 'quoteOf' | 'quoted'>) => {
  if (card.quoteOf === null) return ''
  const quoted = quotedIn(card)
  if (quoted === undefined) return html`<p class="quoted gone">This post is gone.</p>`
  const [, name, handle, msg] = quoted
  const text = LinkedText({ children: msg })
  return html`<blockquote class="quoted">
    <p class="by">
      <a class="username" href="/tweet/${card.quoteOf}"><bdi>${name}</bdi></a>
      <span class="handle">@${handle}</span>
    </p>
    <p class="msg" dir="auto">${text}</p>
  </blockquote>`
}

export const QuoteLink = ({ id }: Pick<Card, 'id'>) =>
  html`<a class="quote" href="/post?quote=${id}">${Icon({ name: 'quote' })}<span>Quote</span></a>`
