import { Face, Icon } from './icon.tsx'
import type { Viewer } from './viewer.ts'

export type Theme = 'system' | 'light' | 'dark'

type SideProps = { visitor: Viewer | undefined; theme: Theme; searching: boolean }

/** The column at the side: search, who is signed in, the theme. */
export const Side = ({ visitor, theme, searching }: SideProps) => (
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
