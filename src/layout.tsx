// The document: head, navigation, live regions. A page is its title and what stands in <main>.
import type { Context } from 'hono'
import { deleteCookie, getCookie } from 'hono/cookie'
import { raw } from 'hono/html'
import type { Child, PropsWithChildren } from 'hono/jsx'

import { asset } from './assets.ts'
import { Face, Icon } from './icon.tsx'
import type { Viewer } from './viewer.ts'
import type { Env } from './web.ts'

export type Theme = 'system' | 'light' | 'dark'

type Head = {
  title: string
  /** For search engines and social cards, on pages that everybody may see. */
  description?: string
  /** The one address of this page, where it has several. */
  canonical?: string
  /** The page has a search field of its own. */
  searching?: boolean
}

const htmxConfig = JSON.stringify({ noSwap: [204, 304, '4xx', '5xx'], defaultSettleDelay: 0 })
const head = raw(`<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<meta name="htmx-config" content="${htmxConfig.replaceAll('"', '&quot;')}">
<meta name="theme-color" media="(prefers-color-scheme: light)" content="#fbfaf7"><meta name="theme-color" media="(prefers-color-scheme: dark)" content="#171513">
<link rel="stylesheet" href="${asset('app.css')}"><link rel="icon" href="${asset('favicon.svg')}" type="image/svg+xml">
<link rel="manifest" href="${asset('app.webmanifest')}"><link rel="apple-touch-icon" href="${asset('icon-192.png')}">
<script src="${asset('htmx.js')}" defer></script><script src="${asset('app.js')}" defer></script>`)

/** Answers with a whole page around `main`. */
export function page(c: Context<Env>, given: Head, main: Child): Response | Promise<Response> {
  const sentence = getCookie(c, 'flash')
  if (sentence) deleteCookie(c, 'flash', { path: '/' })
  return c.html(
    <>
      {raw('<!doctype html>')}
      <Document head={given} visitor={c.var.visitor} path={c.req.path} theme={themeOf(c)} sentence={sentence}>
        {main}
      </Document>
    </>,
  )
}

/** The theme of the visitor's cookie; the system's when there is none. */
export function themeOf(c: Context): Theme {
  const theme = getCookie(c, 'theme')
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

type DocumentProps = PropsWithChildren<{
  head: Head
  visitor: Viewer | undefined
  path: string
  theme: Theme
  sentence: string | undefined
}>

const Document = ({ head: given, visitor, path, theme, sentence, children }: DocumentProps) => (
  <html lang='en' data-theme={theme === 'system' ? undefined : theme}>
    <head>
      {head}
      <title>{given.title} - Tracewren</title>
      <SocialCard {...given} />
    </head>
    <body>
      <a class='skip' href='#main'>
        Skip to content
      </a>
      <div class='frame'>
        <Rail visitor={visitor} path={path} />
        <main id='main' tabindex={-1}>
          {children}
        </main>
        <Side visitor={visitor} theme={theme} searching={given.searching ?? false} />
      </div>
      <nav class='bottom' aria-label='Quick'>
        {links(visitor)
          .filter(({ quick }) => quick)
          .map((link) => (
            <NavLink {...link} current={link.href === path} />
          ))}
      </nav>
      <div id='toasts' role='status' aria-live='polite'>
        {sentence && <p class='toast'>{sentence}</p>}
      </div>
    </body>
  </html>
)

const SocialCard = ({ title, description, canonical }: Head) =>
  description === undefined ? (
    <meta name='robots' content='noindex' />
  ) : (
    <>
      <meta name='description' content={description} />
      <meta property='og:site_name' content='Tracewren' />
      <meta property='og:title' content={title} />
      <meta property='og:description' content={description} />
      <meta property='og:type' content='article' />
      <meta name='twitter:card' content='summary' />
      {canonical && <link rel='canonical' href={canonical} />}
    </>
  )

type Link = { href: string; icon: string; label: string; quick?: boolean }

const links = (visitor: Viewer | undefined): Link[] =>
  visitor
    ? [
        { href: '/timeline', icon: 'home', label: 'Timeline', quick: true },
        { href: '/', icon: 'trends', label: 'Trends', quick: true },
        { href: '/search', icon: 'search', label: 'Search', quick: true },
        { href: '/favorites', icon: 'heart', label: 'Favorites' },
        { href: '/followers', icon: 'people', label: 'Followers' },
        { href: '/following', icon: 'follow', label: 'Following' },
        { href: `/@${visitor.handle}`, icon: 'person', label: 'Profile', quick: true },
        { href: '/account', icon: 'gear', label: 'Account' },
        { href: '/post', icon: 'post', label: 'Post', quick: true },
      ]
    : [
        { href: '/', icon: 'trends', label: 'Trends', quick: true },
        { href: '/login', icon: 'person', label: 'Log in', quick: true },
        { href: '/register', icon: 'follow', label: 'Sign up', quick: true },
      ]

const NavLink = ({ href, icon, label, current }: Link & { current: boolean }) => (
  <a href={href} aria-current={current ? 'page' : undefined} class={icon === 'post' ? 'post' : undefined}>
    <Icon name={icon} />
    <span>{label}</span>
  </a>
)

const Rail = ({ visitor, path }: { visitor: Viewer | undefined; path: string }) => (
  <header class='rail'>
    <a class='brand' href={visitor ? '/timeline' : '/'}>
      <Icon name='wren' />
      <span>Tracewren</span>
    </a>
    <nav aria-label='Main'>
      {links(visitor).map((link) => (
        <NavLink {...link} current={link.href === path} />
      ))}
    </nav>
    {visitor && (
      <form class='out' method='post' action='/logout'>
        <button class='quiet'>
          <Icon name='out' />
          <span>Logout</span>
        </button>
      </form>
    )}
  </header>
)

type SideProps = { visitor: Viewer | undefined; theme: Theme; searching: boolean }

const Side = ({ visitor, theme, searching }: SideProps) => (
  <aside class='side' aria-label='More'>
    {visitor && !searching && (
      <form class='search-form' role='search' action='/search'>
        <Icon name='search' />
        <label class='vh' for='side-q'>
          Search tweets
        </label>
        <input class='search-input' id='side-q' type='search' name='q' placeholder='Search' maxlength={200} />
      </form>
    )}
    {visitor ? <Me {...visitor} /> : <Welcome />}
    <form class='themes' method='post' action='/theme' aria-label='Theme'>
      {(['system', 'light', 'dark'] as const).map((one) => (
        <button name='theme' value={one} aria-pressed={theme === one}>
          {one[0]!.toUpperCase() + one.slice(1)}
        </button>
      ))}
    </form>
    <p class='small'>Tracewren, a microblog you can see through.</p>
  </aside>
)

const Me = ({ id, name, handle, tweetCount, followingCount, followerCount }: Viewer) => (
  <section class='card me' aria-label='You'>
    <a href={`/@${handle}`} class='who'>
      <Face id={id} />
      <span>
        <bdi class='username'>Hello, {name}</bdi>
        <span class='handle'>@{handle}</span>
      </span>
    </a>
    <ul class='counts'>
      <li>
        <a href={`/@${handle}`}>
          <b>{tweetCount}</b> tweets
        </a>
      </li>
      <li>
        <a href='/following'>
          <b>{followingCount}</b> following
        </a>
      </li>
      <li>
        <a href='/followers'>
          <b>{followerCount}</b> followers
        </a>
      </li>
    </ul>
  </section>
)

const Welcome = () => (
  <section class='card' aria-label='Welcome'>
    <p class='lead'>A small town is talking. Come in.</p>
    <p>
      <a class='btn' href='/login'>
        Log in
      </a>{' '}
      <a class='btn quiet' href='/register'>
        Sign up
      </a>
    </p>
  </section>
)
