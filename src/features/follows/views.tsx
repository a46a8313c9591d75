import { counted } from '../../base/format.ts'
import type { Viewer } from '../../http/sessions.ts'
import { Face } from '../../ui/icon.tsx'
import type { FollowState, Person } from './queries.ts'

export const FollowButton = ({ id, name, following }: FollowState) => {
  const path = `/${following ? 'unfollow' : 'follow'}/${id}`
  return (
    <form
      class={following ? 'follow on' : 'follow'}
      method='post'
      action={path}
      hx-post={path}
      hx-swap='outerHTML'
      hx-sync='this:drop'
    >
      <button
        id={`follow-${id}`}
        class={following ? 'btn quiet' : 'btn'}
        aria-pressed={following}
        aria-label={`Follow ${name}`}
      >
        <span class='now'>{following ? 'Following' : 'Follow'}</span>
        <span class='then'>{following ? 'Follow' : 'Following'}</span>
      </button>
    </form>
  )
}

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

/** The number of followers on a profile: an own element, because a follow replaces it. */
export const FollowerCount = ({ id, followerCount }: Pick<FollowState, 'id' | 'followerCount'>) => (
  <span id={`followers-of-${id}`}>{counted(followerCount, 'follower')}</span>
)
