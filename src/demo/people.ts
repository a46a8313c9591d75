import one from './people-1.json' with { type: 'json' }
import two from './people-2.json' with { type: 'json' }
import three from './people-3.json' with { type: 'json' }
import four from './people-4.json' with { type: 'json' }

/** A tweet: a text, written at a random waking hour; or a text written `min` minutes after the event `on` began. */
export type Line = string | { text: string; on: string; min: number }
export type Person = {
  name: string
  handle: string
  bio: string
  hours: [from: number, to: number]
  tweets: Line[]
}

/** The hundred people of Thistlemouth, in the order of their ids. */
export const people = [one, two, three, four].flat() as Person[]
