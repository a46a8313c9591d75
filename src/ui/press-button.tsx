// A button that stays pressed, like the heart under a tweet, mostly with a count. A page may show the same tweet in several cards.
import { counted, shortCount } from '../base/format.ts'

type Verb = {
  /** The class of the button, which has its icon. */
  kind: string
  /** The paths that do it and undo it: `/favorite/7`, `/unfavorite/7`. */
  does: string
  undoes: string
  /** For screen readers: "Like, 3 likes". */
  label: string
  /** What is counted: "like". Nothing for what is private. */
  counts?: string
}
type Press = {
  /** The id of the tweet. */
  id: number
  pressed: boolean
  count?: number
}

/**
 * A button of the form `.actions`. Optimistic, by CSS alone: while the request runs, the second number is shown instead
 * of the first. It has no id: the answer changes the buttons of all cards of the tweet in place, so the focus stays.
 */
export const PressButton = ({ verb, id, pressed, count = 0 }: Press & { verb: Verb }) => {
  const { kind, label, counts } = verb
  const path = `/${pressed ? verb.undoes : verb.does}/${id}`
  const name = counts ? `${label}, ${counted(count, counts)}` : label
  return (
    <button
      class={pressed ? `${kind} on` : kind}
      formaction={path}
      hx-post={path}
      aria-pressed={pressed}
      aria-label={name}
      title={counts ? undefined : label}
    >
      {counts && (
        <>
          <span>{shortCount(count)}</span>
          <span>{shortCount(count + (pressed ? -1 : 1))}</span>
        </>
      )}
    </button>
  )
}

/** The new button for each card of its tweet on the page. */
export const Pressed = (props: Parameters<typeof PressButton>[0]) => (
  <hx-partial hx-target={`[data-tweet-id="${props.id}"] .${props.verb.kind}`} hx-swap='outerMorph'>
    <PressButton {...props} />
  </hx-partial>
)
