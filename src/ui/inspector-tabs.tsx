// The tabs above the pages of the inspector and of the fault lab.
import { cachedFragment } from './fragment-cache.ts'

const tabs = [
  { href: '/traces', label: 'Traces' },
  { href: '/logs', label: 'Logs' },
  { href: '/routes', label: 'Routes' },
  { href: '/routes?by=query', label: 'Queries' },
  { href: '/traces/runtime', label: 'Runtime' },
  { href: '/traces/uploaded', label: 'Uploaded' },
]
const faultTab = { href: '/faults', label: 'Faults' }

let hasFaults = false

/**
 * Says whether the page that is rendered next, without an await between, is of an app with a fault lab. No context of hono/jsx:
 * that would make every page of the product dearer, as ui/html.ts says.
 */
export const showFaultTab = (shows: boolean): void => {
  hasFaults = shows
}

/** `at`: the address of the tab that is open. */
export const InspectorTabs = cachedFragment(
  { keyOf: ({ at }: { at: string }) => `${at} ${hasFaults}` },
  ({ at }: { at: string }) => (
    <nav class='tabs inspector' aria-label='Inspector'>
      {[...tabs, ...(hasFaults ? [faultTab] : [])].map(({ href, label }) => (
        <a href={href} aria-current={href === at ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  ),
)
