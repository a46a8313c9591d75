import type { Viewer } from '../../http/sessions.ts'
import { Face } from '../../ui/icon.tsx'
import type { FollowState, Person } from './queries.ts'

type ButtonProps = Pick<Person, 'id' | 'name' | 'following'> & {
  /** It has been pressed a moment ago: for that moment it says what it did, and then what it would do. */
  pressed?: boolean
}

/** It has no id: the answer changes all buttons of the person in place, so the focus stays. */
export const FollowButton = ({ id, name, following, pressed = false }: ButtonProps) => {
  const path = `/${following ? 'unfollow' : 'follow'}/${id}`
  return (
    <form
      class={following ? 'follow on' : 'follow'}
      data-new={pressed ? '' : undefined}
      method='post'
      action={path}
      data-follow={id}
      hx-post={path}
    >
      <button
        class={following ? 'btn quiet' : 'btn'}
        aria-pressed={following}
        aria-label={`Follow ${name}`}
      >
        <span class='now'>{following ? 'Following' : 'Follow'}</span>
        <span class='then'>{following ? 'Follow' : 'Following'}</span>
        {following && <span class='undo'>Unfollow</span>}
      </button>
    </form>
  )
}

/** The new button wherever the page shows the person. */
export const PressedFollow = (props: ButtonProps) => (
  <hx-partial hx-target={`[data-follow="${props.id}"]`} hx-swap='outerMorph'>
    <FollowButton {...props} pressed />
  </hx-partial>
)

export const FollowsYou = () => <span class='follows-you'>Follows you</span>

type PersonProps = { person: Person; viewer: Viewer | undefined; position?: number }

/** One person in a list. */
export const PersonCard = ({ person, viewer, position }: PersonProps) => (
  <article
    class='user-item'
    data-user-id={person.id}
    id={`user-${person.id}`}
    tabindex={position === undefined ? undefined : 0}
    aria-labelledby={`name-${person.id}`}
    aria-posinset={position}
    aria-setsize={position === undefined ? undefined : -1}
  >
    <a class='face-link' href={`/@${person.handle}`} tabindex={-1} aria-hidden='true'>
      <Face id={person.id} />
    </a>
    <div class='about'>
      <p class='by' id={`name-${person.id}`}>
        <a class='username' href={`/@${person.handle}`}>
          <bdi>{person.name}</bdi>
        </a>{' '}
        <span class='handle'>@{person.handle}</span>
        {person.followsViewer && <FollowsYou />}
      </p>
      {person.bio && (
        <p class='bio' dir='auto'>
          {person.bio}
        </p>
      )}
    </div>
    {viewer && viewer.id !== person.id && <FollowButton {...person} />}
  </article>
)

type InListProps = { state: FollowState; viewer: Viewer; path: string }

/** What a follow changes in the list of the page at `path`: an empty timeline is read anew, somebody's followers have one more. */
export const InList = ({ state, viewer, path }: InListProps) => {
  if (path === '/timeline') {
    return (
      <hx-partial hx-target='#feed:empty + .empty-state' hx-swap='beforeend'>
        <p
          hx-get='/timeline'
          hx-trigger='load'
          hx-select='#feed'
          hx-select-oob='#more'
          hx-target='#feed'
          hx-swap='outerHTML'
        ></p>
      </hx-partial>
    )
  }
  if (path.toLowerCase() !== `/@${state.handle}/followers`) return <></>
  if (!state.following)
    return <hx-partial hx-target={`#user-${viewer.id}`} hx-swap='delete'></hx-partial>
  const me = { ...viewer, following: false, followsViewer: false }
  return (
    <hx-partial hx-target={`#feed:not(:has(#user-${viewer.id}))`} hx-swap='afterbegin'>
      <PersonCard person={me} viewer={viewer} position={1} />
    </hx-partial>
  )
}
