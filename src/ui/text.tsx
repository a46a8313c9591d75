import type { Html } from './answer.ts'

// The text is split, never built as HTML: everything that is not a link stays text, which hono/jsx escapes.
const linkPattern =
  /(https?:\/\/[^\s<>"']+)|(?<![\w@])(@[a-z0-9_]{1,20})\b|(?<![\w#&])(#[\p{L}\p{N}_]{1,50})/giu

/** The text of a tweet, with URLs, @handles and #tags as links. */
export function LinkedText({ children }: { children: string }) {
  const pieces: (string | Html)[] = []
  let end = 0
  for (const match of children.matchAll(linkPattern)) {
    const [whole, address, handle, tag] = match
    const shown = address ? trimAddress(address) : whole
    pieces.push(children.slice(end, match.index))
    if (address) pieces.push(<AddressLink address={shown} />)
    if (handle) pieces.push(<a href={`/${handle.toLowerCase()}`}>{handle}</a>)
    if (tag) pieces.push(<a href={`/search?q=${encodeURIComponent(tag)}`}>{tag}</a>)
    end = match.index + shown.length
  }
  return (
    <>
      {pieces}
      {children.slice(end)}
    </>
  )
}

/** Removes punctuation after a URL: it belongs to the sentence. */
function trimAddress(address: string): string {
  const trimmed = address.replace(/[.,;:!?…'"\]}]+$/u, '')
  return trimmed.endsWith(')') && !trimmed.includes('(') ? trimmed.slice(0, -1) : trimmed
}

function AddressLink({ address }: { address: string }) {
  if (!URL.canParse(address)) return <>{address}</>
  const { protocol, href, host, pathname } = new URL(address)
  if (protocol !== 'https:' && protocol !== 'http:') return <>{address}</>
  const label = host + (pathname === '/' ? '' : pathname)
  return (
    <a href={href} rel='nofollow ugc noopener' target='_blank'>
      {label.length > 40 ? `${label.slice(0, 39)}\u2026` : label}
    </a>
  )
}
