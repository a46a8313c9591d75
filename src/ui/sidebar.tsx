import type { Viewer } from '../http/sessions.ts'
import { cachedFragment } from './fragment-cache.ts'
import { Face, Icon } from './icon.tsx'

/** What the markup shows of a person, and so what is in the key. */
const shown = ['id', 'name', 'handle', 'tweetCount', 'followingCount', 'followerCount'] as const
type Shown = Pick<Viewer, (typeof shown)[number]>

type SidebarProps = { visitor: Viewer | undefined; searching: boolean }

/** The column at the side: search, who is signed in. */
export const Sidebar = cachedFragment(
  {
    keyOf: ({ visitor, searching }: SidebarProps) =>
      `${searching} ${JSON.stringify(visitor, [...shown])}`,
  },
  ({ visitor, searching }: SidebarProps) => (
    <aside class='side' aria-label='More'>
      {visitor && !searching && (
        <form class='search-form' role='search' action='/search'>
          <button aria-label='Search'>
            <Icon name='search' />
          </button>
          <label class='vh' for='side-q'>
            Search tweets
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
      {visitor ? <Me {...visitor} /> : <Welcome />}
      <p class='small'>
        Tracewren, a microblog you can see through.{' '}
        <span class='keys'>
          Press <kbd>?</kbd> for keys.
        </span>
      </p>
    </aside>
  ),
)

const Me = ({ id, name, handle, tweetCount, followingCount, followerCount }: Shown) => (
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
          <b>{tweetCount}</b> posts
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
