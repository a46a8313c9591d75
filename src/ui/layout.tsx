// The document: head, navigation, live regions. A page is its title and what stands in <main>.
import type { Context } from 'hono'
import { deleteCookie, getCookie } from 'hono/cookie'
import { html, raw } from 'hono/html'
import type { Child } from 'hono/jsx'

import { asset } from '../http/assets.ts'
import type { Env } from '../http/context.ts'
import { chipCookie, flashCookie, themeCookie } from '../http/cookie-names.ts'
import { mayInspect } from '../http/sessions.ts'
import { markPage } from '../http/viewer-mark.ts'
import { traceparent } from '../telemetry/spans.ts'
import { render } from './answer.ts'
import { Chip } from './chip.tsx'
import { QuickBar, Rail, type NavigationProps, type Theme } from './navigation.tsx'
import { Sidebar } from './sidebar.tsx'

type Head = {
  title: string
  /** For search engines and social cards, on pages that everybody may see. */
  description?: string
  /** The one address of this page, where it has several. */
  canonical?: string
  /** The page has a search field of its own. */
  searching?: boolean
  /** Tables of the inspector need the room of the side column. */
  wide?: boolean
  /** The page says that the server failed: its chip says so too. */
  failed?: boolean
  /** The page shows what is one person's alone: its address. Caches of the browser give it back to nobody else. */
  private?: string
}

const htmxConfig = JSON.stringify({ noSwap: [204, 304, '4xx', '5xx'], defaultSettleDelay: 0 })
/** The part of the head that all pages share. */
export const head =
  raw(`<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<meta name="htmx-config" content="${htmxConfig.replaceAll('"', '&quot;')}">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#fbfaf7"><meta name="theme-color" media="(prefers-color-scheme: dark)" content="#171513">
<link rel="stylesheet" href="${asset('app.css')}"><link rel="icon" href="${asset('favicon.svg')}" type="image/svg+xml">
<link rel="manifest" href="${asset('app.webmanifest')}"><link rel="apple-touch-icon" href="${asset('icon-192.png')}">
<script src="${asset('htmx.js')}" defer></script><script src="${asset('app.js')}" defer></script>`)

const inspectorScript = raw(`<script src="${asset('traces.js')}" defer></script>`)

/** Answers with a whole page around `main`. */
export function page(c: Context<Env>, given: Head, main: Child): Response | Promise<Response> {
  const sentence = getCookie(c, flashCookie)
  if (sentence) deleteCookie(c, flashCookie, { path: '/' })
  if (given.private) c.header('Cache-Control', 'private, no-store')
  return render(
    c,
    document({
      head: { ...given, ...(given.canonical && { canonical: originOf(c) + given.canonical }) },
      place: {
        visitor: c.get('visitor'),
        path: c.req.path,
        theme: themeOf(c),
        inspector: c.get('recorder') !== undefined && mayInspect(c),
      },
      trace: traceparent(),
      chip: showsChip(c),
      ...markPage(c),
      toast: sentence && html`<p class="toast">${sentence}</p>`,
      main,
    }),
  )
}

/** Drops what is kept of the frame around the pages of somebody who has deleted their account. */
export function forgetVisitor(id: number): void {
  for (const part of [Rail, QuickBar, Sidebar]) part.forget(({ visitor }) => visitor?.id === id)
}

/** Where people reach this site: PUBLIC_ORIGIN, else what the request itself says. */
const originOf = (c: Context<Env>): string =>
  c.get('settings').PUBLIC_ORIGIN ?? new URL(c.req.url).origin

/** Does this visitor see the chip? Only where something is recorded, and not when they have hidden it. */
export const showsChip = (c: Context<Env>): boolean =>
  c.get('recorder') !== undefined && getCookie(c, chipCookie) !== 'off'

/** The theme of the visitor's cookie; the system's when there is none. */
function themeOf(c: Context): Theme {
  const theme = getCookie(c, themeCookie)
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

type Whole = {
  head: Head
  /** Who looks, and where: what the navigation shows. */
  place: NavigationProps
  /** This page's own traceparent: htmx sends it back, so that its requests are linked to the page. */
  trace: string | undefined
  /** Show what this page cost. */
  chip: boolean
  mark: string | undefined
  left: boolean
  toast: Child
  main: Child
}

// A tagged text and not JSX: as elements, this frame would cost as much as reading the session, on every page.
const document = ({ head: given, place, trace, chip, mark, left, toast, main }: Whole) =>
  html`<!doctype html>
    <html lang="en" ${place.theme === 'system' ? '' : html`data-theme="${place.theme}"`}>
      <head>
        ${head}${given.wide && inspectorScript}${trace && html`<meta name="traceparent" content="${trace}" />`}
        <title>${given.title} - Tracewren</title>
        ${socialCard(given)}
      </head>
      <body
        ${mark !== undefined && html`data-viewer="${mark}"`}
        ${given.private && html`data-private="${given.private}"`}
        ${trace && html`hx-headers:inherited='{"X-Page-Trace":"${trace}"}'`}
      >
        <a class="skip" href="#main">Skip to content</a>
        <div class="${given.wide ? 'frame wide' : 'frame'}">
          ${Rail(place)}
          <main id="main" tabindex="-1">${main}</main>
          ${Sidebar({ visitor: place.visitor, searching: given.searching ?? false })}
        </div>
        ${QuickBar(place)}${chip && trace && Chip({ traceId: trace.slice(3, 35), failed: given.failed ?? false })}${left && forgetting}
        <div id="toasts" role="status" aria-live="polite">${toast}</div>
      </body>
    </html>`

/** A browser without scripts forgets the pages of who was here before: its answer says `Clear-Site-Data`. */
const forgetting = html`<noscript><img src="/session?changed" alt="" hidden /></noscript>`

const socialCard = ({ title, description, canonical }: Head) => [
  html`<meta
    name="description"
    content="${description ?? 'A small microblog you can see through.'}"
  />`,
  description !== undefined && openGraph(title, description),
  canonical && html`<link rel="canonical" href="${canonical}" />`,
]

const openGraph = (title: string, description: string) =>
  html`<meta property="og:site_name" content="Tracewren" />
    <meta property="og:title" content="${title}" />
    <meta property="og:description" content="${description}" />
    <meta property="og:type" content="article" />
    <meta name="twitter:card" content="summary" />`
