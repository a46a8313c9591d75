// The menu on a profile, what the profile says about a mute or a block, and the list in /account.
import type { Child } from 'hono/jsx'

import type { Viewer } from '../../http/sessions.ts'
import { hiddenShown, type HiddenPerson, type Hiding } from './queries.ts'

type PersonProps = { id: number; name: string; suspendedAt: number | null } & Hiding
type VerbProps = { path: string; children: Child; danger?: boolean }

/** A button of the menu. Its answer changes the page in several places. */
const Verb = ({ path, children, danger = false }: VerbProps) => (
  <form method='post' action={path} hx-post={path}>
    <button class={danger ? 'btn danger' : 'btn quiet'}>{children}</button>
  </form>
)

type MenuProps = PersonProps & { viewer: Viewer; focus?: boolean }

/** `focus`: an action in it has been carried out, and its button is gone. */
export const PersonMenu = ({
  id,
  name,
  muted,
  blocked,
  suspendedAt,
  viewer,
  focus = false,
}: MenuProps) => (
  <details class='person-menu' id={`menu-${id}`}>
    <summary class='btn quiet' aria-label={`More about ${name}`} autofocus={focus}>
      More
    </summary>
    <div class='row'>
      <Verb path={muted ? `/unmute/${id}` : `/mute/${id}`}>{muted ? 'Unmute' : 'Mute'}</Verb>
      <Verb path={blocked ? `/unblock/${id}` : `/block/${id}`} danger={!blocked}>
        {blocked ? 'Unblock' : 'Block'}
      </Verb>
      {viewer.operator && (
        <Verb
          path={suspendedAt === null ? `/suspend/${id}` : `/unsuspend/${id}`}
          danger={suspendedAt === null}
        >
          {suspendedAt === null ? 'Suspend' : 'Unsuspend'}
        </Verb>
      )}
    </div>
  </details>
)

/** Says on a profile why its posts are nowhere else. */
export const HidingNote = ({
  id,
  name,
  muted,
  blocked,
  blocksViewer,
  suspendedAt,
}: PersonProps) => (
  <div id={`hiding-${id}`}>
    {suspendedAt !== null && <p class='notice'>This account is suspended.</p>}
    {blocked && (
      <p class='notice'>
        You have blocked <bdi>{name}</bdi>. Neither of you can follow or answer the other.
      </p>
    )}
    {blocksViewer && (
      <p class='notice'>
        <bdi>{name}</bdi> has blocked you. Neither of you can follow or answer the other.
      </p>
    )}
    {muted && !blocked && (
      <p class='notice'>
        You have muted <bdi>{name}</bdi>: you see these posts here only.
      </p>
    )}
  </div>
)

/** The menu and the note as they are after an action, for a page that shows them. */
export const ChangedPerson = (props: MenuProps) => (
  <>
    <hx-partial hx-target={`#menu-${props.id}`} hx-swap='outerHTML'>
      <PersonMenu {...props} focus />
    </hx-partial>
    <hx-partial hx-target={`#hiding-${props.id}`} hx-swap='outerHTML'>
      <HidingNote {...props} />
    </hx-partial>
  </>
)

/** Whom the viewer has muted or blocked, each with a button that takes it back. */
export const HiddenPeople = ({ people }: { people: HiddenPerson[] }) => (
  <section class='card door' id='hidden'>
    <h2>Muted and blocked</h2>
    {people.length === 0 ? (
      <p>Nobody. You can mute or block people on their profiles.</p>
    ) : (
      <ul class='hidden-people'>
        {people.slice(0, hiddenShown).map(({ id, name, handle, kind }) => (
          <li class='row'>
            <span>
              <a href={`/@${handle}`}>
                <bdi>{name}</bdi>
              </a>{' '}
              <span class='handle'>@{handle}</span> {kind === 'mute' ? 'muted' : 'blocked'}
            </span>
            <form method='post' action={`/un${kind}/${id}`}>
              <button
                class='btn quiet'
                aria-label={`${kind === 'mute' ? 'Unmute' : 'Unblock'} ${name}`}
              >
                {kind === 'mute' ? 'Unmute' : 'Unblock'}
              </button>
            </form>
          </li>
        ))}
      </ul>
    )}
    {people.length > hiddenShown && (
      <p class='hint'>These are the newest {hiddenShown}. For others, open their profiles.</p>
    )}
  </section>
)
