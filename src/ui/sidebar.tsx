import type { Site } from '../http/context.ts'
import type { Viewer } from '../http/sessions.ts'
import { cachedFragment } from './fragment-cache.ts'
import { Face, Icon } from './icon.tsx'

/** The fields of the visitor that the markup shows: they are the cache key. */
const shown = ['id', 'name', 'handle', 'tweetCount', 'followingCount', 'followerCount'] as const
type Shown = Pick<Viewer, (typeof shown)[number]>

type SidebarProps = { visitor: Viewer | undefined; site: Site; searching: boolean }

/** The beginning of the side column: search field, signed-in user. */
export const Sidebar = cachedFragment(
  {
    keyOf: ({ visitor, site, searching }: SidebarProps) =>
      `${site.number} ${searching} ${JSON.stringify(visitor, [...shown])}`,
  },
  ({ visitor, site, searching }: SidebarProps) => (
    <>
      {visitor && !searching && (
        <form class='search-form' role='search' action='/search'>
          <button aria-label='Search'>
            <Icon name='search' />
          </button>
          <label class='vh' for='side-q'>
            Search posts and people
          </label>
          <input
            class='search-input'
            id='side-q'
            type='search'
            name='q'
            placeholder='Search'
            maxlength={200}
          />
        </form>
      )}
      {visitor ? <Me {...visitor} /> : <Welcome {...site} />}
    </>
  ),
)

/** The end of the side column: what this site is. */
export const SidebarEnd = cachedFragment({ keyOf: ({ number }: Site) => number }, (site: Site) => (
  <p class='small'>
    {site.name}: {site.tagline} {site.rules && <a href='/rules'>Rules</a>}{' '}
    <span class='keys'>
      Press <kbd>?</kbd> for keys.
    </span>
  </p>
))

const Me = ({ id, name, handle, tweetCount, followingCount, followerCount }: Shown) => (
  <section class='card' aria-label='You'>
    <a href={`/@${handle}`} class='who'>
      <Face id={id} />
      <span>
        <bdi class='username'>Hello, {name}</bdi>
        <span class='handle'>@{handle}</span>
      </span>
    </a>
    <ul class='counts'>
      <li>
        <a id='my-tweets' href={`/@${handle}`}>
          <b>{tweetCount}</b> posts
        </a>
      </li>
      <li>
        <a id='my-following' href='/following'>
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

const Welcome = ({ demo, tagline, isOpen }: Site) => (
  <section class='card' aria-label='Welcome'>
    <p class='lead'>{demo ? 'A small town is talking. Come in.' : tagline}</p>
    <p>
      <a class='btn' href='/login'>
        Log in
      </a>{' '}
      {isOpen && (
        <a class='btn quiet' href='/register'>
          Sign up
        </a>
      )}
    </p>
  </section>
)
