// The tabs above the pages of the inspector and of the fault lab.
import { createContext, useContext, type Child } from 'hono/jsx'

const tabs = [
  { href: '/traces', label: 'Traces' },
  { href: '/logs', label: 'Logs' },
  { href: '/routes', label: 'Routes' },
  { href: '/routes?by=query', label: 'Queries' },
  { href: '/traces/runtime', label: 'Runtime' },
  { href: '/traces/uploaded', label: 'Uploaded' },
]
const faultTab = { href: '/faults', label: 'Faults' }

/** Has this app a fault lab? A context, because many pages have tabs and none of them knows the settings. */
const hasFaults = createContext(false)

/** `at`: the address of the tab that is open. */
export const InspectorTabs = ({ at }: { at: string }) => (
  <nav class='tabs inspector' aria-label='Inspector'>
    {[...tabs, ...(useContext(hasFaults) ? [faultTab] : [])].map(({ href, label }) => (
      <a href={href} aria-current={href === at ? 'page' : undefined}>
        {label}
      </a>
    ))}
  </nav>
)

/** Tells the tabs in these pages whether there is a fault lab. */
export const WithTabs = ({ faults, children }: { faults: boolean; children?: Child }) => (
  <hasFaults.Provider value={faults}>{children}</hasFaults.Provider>
)
