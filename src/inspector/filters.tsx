// The filters of /traces. They are in the query string, so that a filtered list can be shared as a link.
import * as v from 'valibot'

import { query } from '../http/validation.ts'
import { cachedFragment } from '../ui/fragment-cache.ts'
import { Choice, Labelled } from './field.tsx'
import type { Filter } from './matching.ts'
import { numeric, queryOf, word } from './parameters.ts'

const kinds = ['', 'page', 'partial', 'program', 'prefetch', 'background'] as const
const statuses = ['', '2xx', '3xx', '4xx', '5xx'] as const

const yesOrNo = ['', 'yes', 'no'] as const
const sorts = ['', 'duration'] as const

const filters = {
  q: word,
  kind: v.optional(v.picklist(kinds, 'There is no such kind.'), ''),
  status: v.optional(v.picklist(statuses, 'There is no such status.'), ''),
  slower: numeric,
  failed: v.optional(v.picklist(['', '1'], 'failed is 1 or nothing.'), ''),
  person: v.optional(
    v.pipe(
      v.string(),
      v.trim(),
      v.regex(
        /^@?\w{0,20}$/,
        'A person is me, a handle such as @ines, or the number of an account.',
      ),
    ),
    '',
  ),
  sql: word,
  attribute: word,
  sampled: v.optional(v.picklist(yesOrNo, 'sampled is yes, no or nothing.'), ''),
}
const sort = v.optional(v.picklist(sorts, 'sort is duration or nothing.'), '')

/** Validates the filters in the query string of the list. */
export const filterQuery = query({ ...filters, sort, before: numeric })

/** Validates the filters of the live tail, which has no older rows and only one order. */
export const liveQuery = query(filters)

/** The filters as a query string. */
export const searchOf = (filter: Filter, extra: Record<string, string | number> = {}): string =>
  queryOf({ ...filter, slower: filter.slower ?? '', before: '', ...extra })

type FiltersProps = { filter: Filter }

/** The form of the filters. With htmx, each change updates the list; without a script, the button does. */
export const Filters = cachedFragment(
  {
    keyOf: () => 'newest',
    isSame: (one: FiltersProps, other) => searchOf(one.filter) === searchOf(other.filter),
  },
  ({ filter }: FiltersProps) => (
    <form
      class='filters'
      action='/traces'
      role='search'
      aria-label='Filter requests'
      hx-get='/traces'
      hx-trigger='change, submit'
      hx-target='#list'
      hx-select='#list'
      hx-swap='outerHTML'
      hx-push-url='true'
      hx-sync='this:replace'
    >
      <Labelled label='Route or trace id'>
        <input name='q' value={filter.q} maxlength={200} />
      </Labelled>
      <Choice name='kind' label='Kind' values={kinds} chosen={filter.kind} />
      <Choice name='status' label='Status' values={statuses} chosen={filter.status} />
      <Labelled label='Slower than'>
        <input
          name='slower'
          inputmode='numeric'
          pattern='[0-9]*'
          placeholder='ms'
          value={filter.slower === undefined ? '' : String(filter.slower)}
        />
      </Labelled>
      <label class='check'>
        <input type='checkbox' name='failed' value='1' checked={filter.failed === '1'} />{' '}
        <span>failed only</span>
      </label>
      <MoreFilters filter={filter} />
      <button class='btn'>Filter</button>
    </form>
  ),
)

const isOpen = ({ person, sql, attribute, sampled, sort: order }: Filter) =>
  [person, sql, attribute, sampled, order].some((value) => value !== '')

/** The filters that are needed less often; open while one of them is set. */
const MoreFilters = ({ filter }: { filter: Filter }) => (
  <details class='more-filters' open={isOpen(filter)}>
    <summary>More filters</summary>
    <div class='filters'>
      <Labelled label='Person'>
        <input
          name='person'
          value={filter.person}
          maxlength={21}
          placeholder='me or @handle'
          list='persons'
        />
        <datalist id='persons'>
          <option value='me'></option>
        </datalist>
      </Labelled>
      <Labelled label='SQL text'>
        <input name='sql' value={filter.sql} maxlength={200} placeholder='insert into tweets' />
      </Labelled>
      <Labelled label='Attribute'>
        <input name='attribute' value={filter.attribute} maxlength={200} placeholder='name=value' />
      </Labelled>
      <Choice name='sampled' label='Sampled' values={yesOrNo} chosen={filter.sampled} />
      <Choice name='sort' label='Order' values={sorts} chosen={filter.sort} empty='newest first' />
    </div>
  </details>
)
