import { unseenMax } from '../db/unseen.ts'
import type { Site } from '../http/context.ts'
import type { Viewer } from '../http/sessions.ts'
import { cachedFragment } from './fragment-cache.ts'
import { Icon } from './icon.tsx'

type Link = { href: string; icon: string; label: string; quick?: boolean }

/** The links of the main navigation; `quick`: also in the bar at the bottom on a phone. */
export const links = (visitor: Viewer | undefined, inspector: boolean, isOpen: boolean): Link[] =>
  visitor
    ? [
        { href: '/timeline', icon: 'home', label: 'Timeline', quick: true },
        { href: '/', icon: 'trends', label: 'Trends', quick: true },
        { href: '/everybody', icon: 'everybody', label: 'Everybody' },
        { href: '/search', icon: 'search', label: 'Search', quick: true },
        { href: '/notifications', icon: 'bell', label: 'Notifications', quick: true },
        { href: '/favorites', icon: 'heart', label: 'Likes' },
        { href: '/bookmarks', icon: 'bookmark', label: 'Bookmarks' },
        { href: '/followers', icon: 'people', label: 'Followers' },
        { href: '/following', icon: 'follow', label: 'Following' },
        { href: `/@${visitor.handle}`, icon: 'person', label: 'Profile', quick: true },
        { href: '/account', icon: 'gear', label: 'Account' },
        ...(inspector ? [{ href: '/traces', icon: 'trace', label: 'Traces' }] : []),
        { href: '/post', icon: 'post', label: 'Post', quick: true },
      ]
    : [
        { href: '/', icon: 'trends', label: 'Trends', quick: true },
        { href: '/everybody', icon: 'everybody', label: 'Everybody', quick: true },
        ...(inspector ? [{ href: '/traces', icon: 'trace', label: 'Traces', quick: true }] : []),
        { href: '/login', icon: 'person', label: 'Log in', quick: true },
        ...(isOpen ? [{ href: '/register', icon: 'follow', label: 'Sign up', quick: true }] : []),
      ]

/** How many notifications are not seen, beside a link to them. */
const Unseen = ({ count }: { count: number }) => {
  const most = count > unseenMax
  return (
    <b class='unseen'>
      <span aria-hidden='true'>{most ? `${unseenMax}+` : count}</span>
      <span class='vh'> {most ? `more than ${unseenMax}` : count} new</span>
    </b>
  )
}

/** The new number for a page that shows one; none is left at 0. */
export const NewUnseen = ({ count }: { count: number }) => (
  <hx-partial hx-target='.unseen' hx-swap={count > 0 ? 'outerMorph' : 'delete'}>
    {count > 0 && <Unseen count={count} />}
  </hx-partial>
)

type NavLinkProps = Link & { path: string; unseen: number | undefined }

const NavLink = ({ href, icon, label, path, unseen = 0 }: NavLinkProps) => (
  <a
    href={href}
    aria-current={href === path ? 'page' : undefined}
    class={icon === 'post' ? 'post' : undefined}
  >
    <Icon name={icon} />
    <span>{label}</span>
    {icon === 'bell' && unseen > 0 && <Unseen count={unseen} />}
  </a>
)

export type Theme = 'system' | 'light' | 'dark'

const themes = [
  { theme: 'system', icon: 'auto', label: 'System' },
  { theme: 'light', icon: 'sun', label: 'Light' },
  { theme: 'dark', icon: 'moon', label: 'Dark' },
] as const

const ThemeForm = ({ theme: chosen }: { theme: Theme }) => (
  <form class='themes' method='post' action='/theme' aria-label='Theme'>
    {themes.map(({ theme, icon, label }) => (
      <button name='theme' value={theme} aria-pressed={theme === chosen}>
        <Icon name={icon} />
        <span>{label}</span>
      </button>
    ))}
  </form>
)

export type NavigationProps = {
  visitor: Viewer | undefined
  site: Site
  path: string
  inspector: boolean
  theme: Theme
}

const places = new Set(
  '/ /timeline /everybody /search /notifications /favorites /bookmarks /followers /following /account /traces /post /login /register'.split(
    ' ',
  ),
)

/** The cache key: the visitor (whose handle is in the links), what is unseen, the settings and the current link. */
const keyOf = ({ visitor, site, path, inspector, theme }: NavigationProps) =>
  `${site.number} ${visitor?.handle} ${visitor?.unseen} ${inspector} ${theme} ${places.has(path) || path === `/@${visitor?.handle}` ? path : ''}`

/** The column with brand and main navigation; on a phone a header with a menu that needs no script. */
export const Rail = cachedFragment(
  { keyOf },
  ({ visitor, site, path, inspector, theme }: NavigationProps) => (
    <header class='rail'>
      <a class='brand' href={visitor ? '/timeline' : '/'} aria-label={site.name}>
        <Icon name='wren' />
        <span>{site.name}</span>
      </a>
      <button class='open-menu' type='button' popovertarget='menu'>
        <Icon name='menu' />
        <span>Menu</span>
      </button>
      <div id='menu' class='menu' popover='auto'>
        <nav aria-label='Main'>
          {links(visitor, inspector, site.isOpen).map((link) => (
            <NavLink {...link} path={path} unseen={visitor?.unseen} />
          ))}
        </nav>
        <ThemeForm theme={theme} />
        {visitor && (
          <form method='post' action='/logout'>
            <button class='quiet'>
              <Icon name='out' />
              <span>Logout</span>
            </button>
          </form>
        )}
      </div>
    </header>
  ),
)

/** The bar at the bottom on a phone. */
export const QuickBar = cachedFragment(
  { keyOf },
  ({ visitor, site, path, inspector }: NavigationProps) => (
    <nav class='bottom' aria-label='Quick'>
      {links(visitor, inspector, site.isOpen)
        .filter(({ quick }) => quick)
        .map((link) => (
          <NavLink {...link} path={path} unseen={visitor?.unseen} />
        ))}
    </nav>
  ),
)
