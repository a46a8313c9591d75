// The Atom feed of a person: the newest posts, the same bytes for everybody, so that proxies may keep it for a minute.
import { sql } from 'drizzle-orm'
import type { Context } from 'hono'

import { digest } from '../../base/digest.ts'
import { shorten } from '../../base/text.ts'
import { prepared, type Db } from '../../db/db.ts'
import { tweets } from '../../db/schema/index.ts'
import { type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { found } from '../../http/validation.ts'
import { built } from '../../ui/answer.ts'
import { originOf } from '../../ui/layout.tsx'
import { LinkedText } from '../../ui/text/linked-text.tsx'
import { cardsOf, linksOf, type Card } from '../tweets/queries.ts'
import type { Profile } from './queries.ts'
import { atHandle, handle } from './routes.tsx'

const entriesMax = 20
const maxAgeSeconds = 60

/** What the tab Posts shows, without retweets. `in_timeline = 1` as its index has it. */
const newestPosts = prepared((db: Db) =>
  cardsOf(
    db,
    // `raw` is safe: the number is a constant.
    sql`select id, id as cursor from ${tweets} where in_timeline = 1 and retweet_of is null
      and user_id = ${sql.placeholder('user')} order by id desc limit ${sql.raw(String(entriesMax))}`,
    'desc',
  ),
)

/** XML 1.0 has no way to write most control characters, half a surrogate pair, U+FFFE and U+FFFF, not even escaped. */
const impossible = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu
const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;', // a parser reads a bare one as a newline
}
const xml = (text: string) =>
  text.replace(impossible, '\ufffd').replace(/[&<>"\r]/g, (one) => escapes[one]!)

/** An id that stays when the site moves to another address, or the person to another handle. */
function stableId(...facts: (string | number)[]): string {
  const hex = Buffer.from(digest(facts), 'base64url').toString('hex')
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) % 4]!
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const iso = (ms: number) => new Date(ms).toISOString()

/** Words of people as HTML with absolute links: readers do not know where a relative one begins. */
const linked = (msg: string, origin: string) =>
  LinkedText({ children: msg })
    .toString()
    .replaceAll(' href="/', ` href="${origin}/`)
    .replaceAll('\n', '<br>')

function contentOf(card: Card, origin: string): string {
  const words = `<p dir="auto">${linked(card.msg, origin)}</p>`
  const { quoteOf, quoted } = linksOf(card)
  if (quoteOf === null) return words
  if (!quoted) return `${words}<p>This post is gone.</p>`
  const [, , author, msg] = quoted
  const link = `<a href="${origin}/tweet/${quoteOf}">@${author}</a>`
  return `${words}<blockquote><p>${link}</p><p dir="auto">${linked(msg, origin)}</p></blockquote>`
}

function entryOf(card: Card, origin: string): string {
  const { quoteOf, quoted } = linksOf(card)
  return `<entry>
<id>${stableId('tweet', card.id, card.userId, card.createdAt)}</id>
<title>${xml(shorten(card.msg.replace(/\s+/g, ' '), 80))}</title>
<link rel="alternate" type="text/html" href="${xml(`${origin}/tweet/${card.id}`)}"/>
${quoteOf !== null && quoted !== null ? `<link rel="related" type="text/html" href="${xml(`${origin}/tweet/${quoteOf}`)}"/>\n` : ''}<published>${iso(card.createdAt)}</published>
<updated>${iso(card.createdAt)}</updated>
<content type="html">${xml(contentOf(card, origin))}</content>
</entry>
`
}

type Shown = { person: Profile; cards: Card[]; site: string; origin: string }

/** The whole document. */
function atom({ person, cards, site, origin }: Shown): string {
  const profile = `${origin}/@${person.handle}`
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${stableId('user', person.id, person.createdAt)}</id>
<title>${xml(`${person.name} (@${person.handle}) - ${site}`)}</title>
${person.bio && `<subtitle>${xml(person.bio)}</subtitle>\n`}<link rel="self" type="application/atom+xml" href="${xml(`${profile}/feed`)}"/>
<link rel="alternate" type="text/html" href="${xml(profile)}"/>
<updated>${iso(cards[0]?.createdAt ?? person.createdAt)}</updated>
<author><name>${xml(person.name)}</name><uri>${xml(profile)}</uri></author>
${cards.map((card) => entryOf(card, origin)).join('')}</feed>
`
}

/** Does the client have these bytes already? The date alone says so only where no two posts share their second. */
function isKnown(c: Context, etag: string, modified: string, isSharp: boolean): boolean {
  const tags = c.req.header('If-None-Match')
  // nginx marks the tag as weak when it compresses.
  if (tags !== undefined)
    return tags.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
  // Not "since": after a deletion the newest post is older than before.
  return isSharp && c.req.header('If-Modified-Since') === modified
}

async function answerPersonFeed(c: Context<Env>) {
  const { person, db, settings } = c.var
  if (person.suspendedAt !== null) found(undefined)
  const cards = await newestPosts(db).all({ user: person.id, viewer: 0 })
  const origin = originOf(c)
  const body = built(() => atom({ person, cards, site: settings.site.name, origin }))
  const etag = `"${digest([body])}"`
  const [newest, next] = cards.map(({ createdAt }) => Math.floor(createdAt / 1000))
  const changed = newest ?? Math.floor(person.createdAt / 1000)
  // A clock that was ahead may have written a time that is still to come.
  const modified = new Date(Math.min(changed * 1000, Date.now())).toUTCString()
  c.header('Cache-Control', `public, max-age=${maxAgeSeconds}`)
  c.header('Vary', undefined)
  c.header('ETag', etag)
  c.header('Last-Modified', modified)
  if (isKnown(c, etag, modified, newest !== next || newest === undefined)) return c.body(null, 304)
  return c.body(body, 200, { 'Content-Type': 'application/atom+xml; charset=UTF-8' })
}

export const personFeedRoutes = router().get(
  `/${handle}/feed`,
  traced('profiles.feed'),
  atHandle,
  answerPersonFeed,
)
