import type { Child } from 'hono/jsx'

import { counted } from '../../base/format.ts'
import type { Viewer } from '../../http/sessions.ts'
import type { Person } from '../follows/queries.ts'
import { PersonCard } from '../follows/views.tsx'
import { countMax } from './queries.ts'

export const queryLengthMax = 200

export type Tab = 'posts' | 'people'

/** A refused search says so where its results would be: the list of other words may not stay there. */
const shownInPlace = { 'hx-status:429': 'swap:innerHTML', 'hx-status:50x': 'swap:innerHTML' }
const asksFor = (trigger: string) => ({
  'hx-get': '/search',
  'hx-trigger': trigger,
  'hx-target': '#results',
  'hx-replace-url': 'true',
  ...shownInPlace,
})

/** The field asks by itself while somebody types, so that the server can tell this from a search that was sent. */
const SearchField = ({ q, tab }: { q: string; tab: Tab }) => (
  <form
    class='search-form'
    role='search'
    action='/search'
    hx-sync='this:replace'
    {...asksFor('submit')}
  >
    <label class='vh' for='q'>
      Search posts and people
    </label>
    <input
      class='search-input'
      id='q'
      type='search'
      name='q'
      value={q}
      maxlength={queryLengthMax}
      placeholder='Search posts and people'
      autofocus={q === ''}
      hx-include='closest form'
      hx-sync='closest form:replace'
      {...asksFor('input changed delay:250ms')}
    />
    {tab === 'people' && <input type='hidden' name='type' value='people' />}
    <button class='btn quiet'>Search</button>
  </form>
)

const addressOf = (q: string, tab: Tab) =>
  `/search?q=${encodeURIComponent(q)}${tab === 'people' ? '&type=people' : ''}`

export const Tabs = ({ q, tab }: { q: string; tab: Tab }) => (
  <nav class='tabs' aria-label='Search for'>
    {(['posts', 'people'] as const).map((one) => (
      <a href={addressOf(q, one)} aria-current={one === tab ? 'page' : undefined}>
        {one === 'posts' ? 'Posts' : 'People'}
      </a>
    ))}
  </nav>
)

/** The page of a search: its field, then what was found. */
export const SearchPage = ({ q, tab, children }: { q: string; tab: Tab; children?: Child }) => (
  <>
    <h1>Search</h1>
    <SearchField q={q} tab={tab} />
    <div id='results'>{children}</div>
  </>
)

/** How many were found, or what is wrong. */
export const StatusLine = ({ isProblem, children }: { isProblem?: boolean; children?: Child }) => (
  <p class={isProblem ? 'count problem' : 'count'} role='status'>
    {children}
  </p>
)

/** `N tweets found`: the original's sentence, which programs read. */
export const tweetsFound = (count: number): string =>
  count > countMax ? `${countMax}+ tweets found` : `${counted(count, 'tweet')} found`

type FirstProps = { people: Person[]; q: string; viewer: Viewer }

/** The first people that fit, above the posts. */
export const FirstPeople = ({ people, q, viewer }: FirstProps) =>
  people.length > 0 && (
    <section aria-label='People'>
      {people.map((person) => (
        <PersonCard person={person} viewer={viewer} />
      ))}
      {people.length === 3 && (
        <p class='count'>
          <a href={addressOf(q, 'people')}>All people</a>
        </p>
      )}
    </section>
  )
