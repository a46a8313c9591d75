import { Icon } from './icon.tsx'
import type { Viewer } from './viewer.ts'

type Link = { href: string; icon: string; label: string; quick?: boolean }

/** Where one can go; `quick`: also in the bar at the bottom of a phone. */
export const links = (visitor: Viewer | undefined, glass: boolean): Link[] =>
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
        ...(glass ? [{ href: '/traces', icon: 'trace', label: 'Traces' }] : []),
        { href: '/post', icon: 'post', label: 'Post', quick: true },
      ]
    : [
        { href: '/', icon: 'trends', label: 'Trends', quick: true },
        ...(glass ? [{ href: '/traces', icon: 'trace', label: 'Traces', quick: true }] : []),
        { href: '/login', icon: 'person', label: 'Log in', quick: true },
        { href: '/register', icon: 'follow', label: 'Sign up', quick: true },
      ]

export const NavLink = ({ href, icon, label, current }: Link & { current: boolean }) => (
  <a
    href={href}
    aria-current={current ? 'page' : undefined}
    class={icon === 'post' ? 'post' : undefined}
  >
    <Icon name={icon} />
    <span>{label}</span>
  </a>
)

type RailProps = { visitor: Viewer | undefined; path: string; glass: boolean }

/** The column (on a phone: the line) with the name and the main navigation. */
export const Rail = ({ visitor, path, glass }: RailProps) => (
  <header class='rail'>
    <a class='brand' href={visitor ? '/timeline' : '/'}>
      <Icon name='wren' />
      <span>Tracewren</span>
    </a>
    <nav aria-label='Main'>
      {links(visitor, glass).map((link) => (
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
