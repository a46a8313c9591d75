import type { Child } from 'hono/jsx'

import { InspectorTabs } from '../ui/inspector-tabs.tsx'

/** The header of each page of the inspector: title, tabs, and a sentence about the page. */
export const Header = ({ at, title, words }: { at: string; title: string; words: Child }) => (
  <>
    <h1>{title}</h1>
    <InspectorTabs at={at} />
    <p class='words'>
      {words} {at !== '/traces/guide' && <a href='/traces/guide'>How to read this</a>}
    </p>
  </>
)
