// Numbers that an action changes. A page may show one at several places; an answer to htmx carries the new one for all of
// them, and htmx leaves out what the page does not show.
import { counted } from '../base/format.ts'

type Of = { id: number; count: number }

const kinds = {
  tweets: (count: number) => counted(count, 'post'),
  followers: (count: number) => counted(count, 'follower'),
  following: (count: number) => counted(count, 'followed', 'followed'),
}
type Kind = keyof typeof kinds

/** One of a person's numbers, in words. */
export const Count = ({ of, id, count }: Of & { of: Kind }) => (
  <span id={`${of}-of-${id}`}>{kinds[of](count)}</span>
)

/** The new number for a page that shows it in words. */
export const NewCount = ({ of, id, count }: Of & { of: Kind }) => (
  <hx-partial hx-target={`#${of}-of-${id}`} hx-swap='outerHTML'>
    <Count of={of} id={id} count={count} />
  </hx-partial>
)

/** The new number of who looks: the column at the side shows it, too. */
export const MyNewCount = ({ of, id, count }: Of & { of: 'tweets' | 'following' }) => (
  <>
    <hx-partial hx-target={`#my-${of} b`}>{count}</hx-partial>
    <NewCount of={of} id={id} count={count} />
  </>
)
