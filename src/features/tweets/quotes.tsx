// Above a card who passed it on, in it the tweet that it quotes, below it the link to quote it.

import { html } from '../../ui/html.ts'
import { Icon } from '../../ui/icon.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import { linksOf, type Card, type Links, type Quoted } from './queries.ts'

/** The id of who passed it on. */
export const passedBy = (card: Pick<Card, 'linked'>) => linksOf(card).passer?.[0]

/** "NAME reposted", above the card of the original. */
export const PassedOn = ({ row, passer }: Pick<Card, 'row'> & Pick<Links, 'passer'>) => {
  if (passer === null) return ''
  const [, name, handle] = passer
  return html`<p class="passed" id="passed-${row}">
    ${Icon({ name: 'repost' })}<a href="/@${handle}"><bdi>${name}</bdi></a> reposted
  </p>`
}

/** A tweet as another one quotes it. */
export const asQuoted = ({ userId, name, handle, msg }: Card): Quoted => [userId, name, handle, msg]

/** Who wrote the tweet that this one quotes. */
export const quotedAuthor = (card: Pick<Card, 'linked'>) => linksOf(card).quoted?.[0]

/** The quoted tweet, small: its words, and a link to it. */
export const QuotedTweet = ({ quoteOf, quoted }: Pick<Links, 'quoteOf' | 'quoted'>) => {
  if (quoteOf === null) return ''
  if (quoted === null) return html`<p class="quoted gone">This post is gone.</p>`
  const [, name, handle, msg] = quoted
  const text = LinkedText({ children: msg })
  return html`<blockquote class="quoted">
    <p class="by">
      <a class="username" href="/tweet/${quoteOf}"><bdi>${name}</bdi></a>
      <span class="handle">@${handle}</span>
    </p>
    <p class="msg" dir="auto">${text}</p>
  </blockquote>`
}

export const QuoteLink = ({ id }: Pick<Card, 'id'>) =>
  html`<a class="quote" href="/post?quote=${id}"><span>Quote</span></a>`
