import type { Child } from 'hono/jsx'

const pages = [
  { href: '/traces', label: 'Traces' },
  { href: '/logs', label: 'Logs' },
  { href: '/routes', label: 'Routes' },
  { href: '/routes?by=query', label: 'Queries' },
  { href: '/traces/runtime', label: 'Runtime' },
  { href: '/traces/uploaded', label: 'Uploaded' },
]

/** The header of each page of the inspector: title, tabs, and a sentence about the page. */
export const Header = ({ at, title, words }: { at: string; title: string; words: Child }) => (
  <>
    <h1>{title}</h1>
    <nav class='tabs inspector' aria-label='Inspector'>
      {pages.map(({ href, label }) => (
        <a href={href} aria-current={href === at ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
    <p class='words'>
      {words} {at !== '/traces/guide' && <a href='/traces/guide'>How to read this</a>}
    </p>
  </>
)
