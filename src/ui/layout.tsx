// The HTML document: head, navigation, live regions. A page gives its title and the content of <main>.
import type { Context } from 'hono'
import { deleteCookie, getCookie } from 'hono/cookie'
import type { Child } from 'hono/jsx'

import { asset } from '../http/assets.ts'
import type { Env, Site } from '../http/context.ts'
import { chipCookie, flashCookie, themeCookie } from '../http/cookie-names.ts'
import { mayInspect } from '../http/sessions.ts'
import { markPage } from '../http/viewer-mark.ts'
import { traceparent } from '../telemetry/spans.ts'
import { render } from './answer.ts'
import { chipOf, instanceName } from './chip.tsx'
import { latePlaceholder } from './fragment-cache.ts'
import { html, raw } from './html.ts'
import { showFaultTab } from './inspector-tabs.tsx'
import { QuickBar, Rail, type NavigationProps, type Theme } from './navigation.tsx'
import { noticesOf } from './notice.ts'
import { Sidebar, SidebarEnd } from './sidebar.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** What a feature adds to the side column of the page. */
    sideColumn: (() => Child) | undefined
  }
}

type Head = {
  title: string
  /** For search engines and social cards, on public pages. */
  description?: string
  /** The canonical path of this page, if it has several. */
  canonical?: string
  /** The path of the Atom feed about this page. */
  feed?: string
  /** The page has its own search field: the sidebar shows none. */
  searching?: boolean
  /** The page shows when there are new posts. */
  live?: boolean
  /** The page uses the width of the sidebar, too: for the tables of the inspector. */
  wide?: boolean
  /** The page reports a server error: its chip does, too. */
  failed?: boolean
  /** The path of a page with data of one person only: it is not cached, and Back does not show it to others. */
  private?: string
}

const htmxConfig = JSON.stringify({ noSwap: [204, 304, '4xx', '5xx'], defaultSettleDelay: 0 })
/** The part of `<head>` that all pages share. */
export const head =
  raw(`<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<meta name="htmx-config" content="${htmxConfig.replaceAll('"', '&quot;')}">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#fbfaf7"><meta name="theme-color" media="(prefers-color-scheme: dark)" content="#171513">
<link rel="stylesheet" href="${asset('app.css')}"><link rel="icon" href="${asset('favicon.svg')}" type="image/svg+xml">
<link rel="apple-touch-icon" href="${asset('icon-192.png')}">
<script src="${asset('htmx.js')}" defer></script><script src="${asset('app.js')}" data-keys="${asset('keys.js')}" defer></script>`)

const script = (file: string) => raw(`<script src="${asset(file)}" defer></script>`)
const [inspectorScript, formScript] = [script('traces.js'), script('forms.js')]
const inspectorStyle = raw(`<link rel="stylesheet" href="${asset('traces.css')}">`)
const [liveScript, searchScript] = [script('live.js'), script('search.js')]

/**
 * Answers with a complete page around `main`; shows the flash message and deletes its cookie. A function builds what
 * would be built too early, as in `render`.
 */
export function page(
  c: Context<Env>,
  given: Head,
  main: Child | (() => Child),
): Response | Promise<Response> {
  const sentence = getCookie(c, flashCookie)
  if (sentence) deleteCookie(c, flashCookie, { path: '/' })
  if (given.private) c.header('Cache-Control', 'private, no-store')
  const trace = traceparent()
  const chip =
    trace && showsChip(c)
      ? chipOf({ traceId: trace.slice(3, 35), failed: given.failed ?? false, keeper: keeperOf(c) })
      : undefined
  const build = () => {
    if (given.wide) showFaultTab(c.get('settings').faults)
    return document({
      head: { ...given, ...(given.canonical && { canonical: originOf(c) + given.canonical }) },
      place: {
        visitor: c.get('visitor'),
        site: c.get('settings').site,
        path: c.req.path,
        theme: themeOf(c),
        inspector: c.get('recorder') !== undefined && mayInspect(c),
      },
      trace,
      chip: chip !== undefined,
      ...markPage(c),
      toast: sentence && html`<p class="toast">${sentence}</p>`,
      notice: noticesOf(c),
      side: !given.wide && c.get('sideColumn')?.(),
      main: typeof main === 'function' ? main() : main,
    })
  }
  return render(c, build, chip && { late: chip })
}

/** Drops the cached navigation and sidebar of a user who has deleted the account. */
export function forgetVisitor(id: number): void {
  for (const part of [Rail, QuickBar, Sidebar]) part.forget(({ visitor }) => visitor?.id === id)
}

/** The origin of this site: PUBLIC_ORIGIN, else that of the request. */
export const originOf = (c: Context<Env>): string =>
  c.get('settings').PUBLIC_ORIGIN ?? new URL(c.req.url).origin

/** Does this visitor see the chip? Only if the inspector records and the visitor has not hidden it. */
export const showsChip = (c: Context<Env>): boolean =>
  c.get('recorder') !== undefined && getCookie(c, chipCookie) !== 'off'

/** The service.instance.id of this process, where others may use the same database and answer for its traces. */
function keeperOf(c: Context<Env>): string | undefined {
  if (c.get('settings').DATABASE_URL.startsWith('file:')) return undefined
  const instance = c.get('recorder')?.instance
  return instance !== undefined && instanceName.test(instance) ? instance : undefined
}

/** The theme in the visitor's cookie; else `system`. */
function themeOf(c: Context): Theme {
  const theme = getCookie(c, themeCookie)
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

type Whole = {
  head: Head
  /** The visitor and the current path: what the navigation shows. */
  place: NavigationProps
  /** The traceparent of this page. htmx sends it with its requests, so that they are linked to the page. */
  trace: string | undefined
  /** Show the chip. */
  chip: boolean
  mark: string | undefined
  left: boolean
  toast: Child
  notice: Child
  side: Child
  main: Child
}

// `hx-sync`: a second click while a request runs is dropped, unless the element says something else.
// A template literal instead of JSX: with JSX, rendering this frame would take as long as reading the session.
const document = ({
  head: given,
  place,
  trace,
  chip,
  mark,
  left,
  toast,
  notice,
  side,
  main,
}: Whole) =>
  html`<!doctype html>
    <html lang="en" ${place.theme === 'system' ? '' : html`data-theme="${place.theme}"`}>
      <head>
        ${head}${given.wide && inspectorStyle}${given.wide ? inspectorScript : formScript}${given.live && liveScript}${(given.wide || given.searching) && searchScript}${trace && html`<meta name="traceparent" content="${trace}" />`}
        <link rel="manifest" href="${manifestOf(place.site)}" />
        <title>${given.title} - ${place.site.name}</title>
        ${socialCard(given, place.site)}
      </head>
      <body
        ${mark !== undefined && html`data-viewer="${mark}"`}
        ${given.private && html`data-private="${given.private}"`}
        ${trace && html`hx-headers:inherited='{"X-Page-Trace":"${trace}"}'`}
        hx-sync:inherited="drop"
      >
        <a class="skip" href="#main">Skip to content</a>
        <div class="${given.wide ? 'frame wide' : 'frame'}">
          ${Rail(place)}
          <main id="main" tabindex="-1">${notice}${main}</main>
          <aside class="side" aria-label="More">
            ${Sidebar({ visitor: place.visitor, site: place.site, searching: given.searching ?? false })}${side}${SidebarEnd(place.site)}
          </aside>
        </div>
        ${QuickBar(place)}${chip && latePlaceholder}${left && forgetting}
        <div id="toasts" role="status" aria-live="polite">${toast}</div>
      </body>
    </html>`

/** Clears the cache of a browser without scripts after a change of user: the answer has `Clear-Site-Data`. */
const forgetting = html`<noscript><img src="/session?changed" alt="" hidden /></noscript>`

/** The file in static/ says the name that we have by default. */
const manifestOf = ({ name }: Site): string =>
  name === 'Tracewren' ? asset('app.webmanifest') : '/site.webmanifest'

const socialCard = ({ title, description, canonical, feed }: Head, site: Site) => [
  html`<meta name="description" content="${description ?? site.tagline}" />`,
  description !== undefined && openGraph(title, description, site.name),
  canonical && html`<link rel="canonical" href="${canonical}" />`,
  feed &&
    html`<link rel="alternate" type="application/atom+xml" title="${title}" href="${feed}" />`,
]

const openGraph = (title: string, description: string, name: string) =>
  html`<meta property="og:site_name" content="${name}" />
    <meta property="og:title" content="${title}" />
    <meta property="og:description" content="${description}" />
    <meta property="og:type" content="article" />
    <meta name="twitter:card" content="summary" />`
