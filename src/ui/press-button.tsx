// A button that stays pressed, like the heart under a tweet, mostly with a count. A page may show the same tweet in several cards.
import { counted, shortCount } from '../base/format.ts'
import { Icon } from './icon.tsx'

type Verb = {
  /** The class of the form. */
  kind: string
  /** The class of the button. */
  button: string
  /** The paths that do it and undo it: `/favorite/7`, `/unfavorite/7`. */
  does: string
  undoes: string
  icon: string
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
 * Optimistic, by CSS alone: while the request runs, `.then` is shown instead of `.now`. It has no id: the answer changes
 * the buttons of all cards of the tweet in place, so the focus stays.
 */
export const PressButton = ({ verb, id, pressed, count = 0 }: Press & { verb: Verb }) => {
  const { counts } = verb
  const path = `/${pressed ? verb.undoes : verb.does}/${id}`
  return (
    <form
      class={pressed ? `${verb.kind} on` : verb.kind}
      method='post'
      action={path}
      hx-post={path}
      hx-sync='this:drop'
    >
      <button
        class={verb.button}
        aria-pressed={pressed}
        aria-label={counts ? `${verb.label}, ${counted(count, counts)}` : verb.label}
        title={counts ? undefined : verb.label}
      >
        <Icon name={verb.icon} />
        {counts && (
          <>
            <span class='now'>{shortCount(count)}</span>
            <span class='then'>{shortCount(count + (pressed ? -1 : 1))}</span>
          </>
        )}
      </button>
    </form>
  )
}

/** The new button for each card of its tweet on the page. */
export const Pressed = (props: Parameters<typeof PressButton>[0]) => (
  <hx-partial hx-target={`[data-tweet-id="${props.id}"] .${props.verb.kind}`} hx-swap='outerMorph'>
    <PressButton {...props} />
  </hx-partial>
)
