// The head of a profile: the person, what the viewer can do, and the tabs.
import { month } from '../../base/format.ts'
import type { Viewer } from '../../http/sessions.ts'
import { Count } from '../../ui/counts.tsx'
import { Banner, Face } from '../../ui/icon.tsx'
import { FollowButton, FollowsYou } from '../follows/views.tsx'
import type { Hiding } from '../hidden/queries.ts'
import { HidingNote, PersonMenu } from '../hidden/views.tsx'
import type { Profile } from './queries.ts'

export const tabs = [
  { path: '', label: 'Posts' },
  { path: '/replies', label: 'Replies' },
  { path: '/likes', label: 'Likes' },
  { path: '/following', label: 'Following' },
  { path: '/followers', label: 'Followers' },
] as const
export type Tab = (typeof tabs)[number]['path']

type HeadProps = { person: Profile; viewer: Viewer | undefined; tab: Tab; hiding: Hiding }

export const ProfileHead = ({ person, viewer, tab, hiding }: HeadProps) => (
  <header class='profile' data-user-id={person.id} id={`user-${person.id}`}>
    <Banner id={person.id} />
    <div class='row'>
      <Face id={person.id} large />
      {viewer && viewer.id !== person.id && (person.suspendedAt === null || person.following) && (
        <FollowButton {...person} />
      )}
      {viewer?.id === person.id && (
        <a class='btn quiet' href='/account'>
          Edit
        </a>
      )}
    </div>
    <h1>
      <bdi>{person.name}</bdi>
    </h1>
    <p class='handle'>
      @{person.handle} {person.followsViewer && <FollowsYou />}
    </p>
    {viewer && viewer.id !== person.id && <PersonMenu {...person} {...hiding} viewer={viewer} />}
    <HidingNote {...person} {...hiding} />
    {person.bio && person.suspendedAt === null && (
      <p class='bio' dir='auto'>
        {person.bio}
      </p>
    )}
    <p class='facts'>
      <Count of='tweets' id={person.id} count={person.tweetCount} />
      <a href={`/@${person.handle}/followers`}>
        <Count of='followers' id={person.id} count={person.followerCount} />
      </a>
      <a href={`/@${person.handle}/following`}>
        <Count of='following' id={person.id} count={person.followingCount} />
      </a>
      <span>Joined: {month(person.createdAt)}</span>
    </p>
    <nav class='tabs' aria-label='Profile'>
      {tabs.map(({ path, label }) => (
        <a href={`/@${person.handle}${path}`} aria-current={path === tab ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  </header>
)
