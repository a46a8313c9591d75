import { parseText } from '../../base/parse-text.ts'
import type { Html } from '../answer.ts'
import { labelsOf } from './label.ts'

/**
 * A text with its addresses, @handles and #tags as links. Split, never built as HTML: hono/jsx escapes what is not a
 * link. Each link has a direction of its own (`dir`), so that it changes no Hebrew or Arabic line around it.
 */
export function LinkedText({ children }: { children: string }): Html {
  if (!/[@＠#＃]|:\/\//.test(children)) return <>{children}</>
  const segments = parseText(children)
  const labels = labelsOf(segments.flatMap((one) => (one.kind === 'link' ? one.url : [])))
  return (
    <>
      {segments.map((segment) => {
        if (segment.kind === 'text') return segment.text
        if (segment.kind === 'link')
          return (
            <a href={segment.url.href} dir='ltr' rel='nofollow ugc noopener' target='_blank'>
              {labels.get(segment.url)}
            </a>
          )
        const href =
          segment.kind === 'mention'
            ? `/@${segment.handle}`
            : `/tag/${encodeURIComponent(segment.tag)}`
        return (
          <a href={href} dir='auto'>
            {segment.text}
          </a>
        )
      })}
    </>
  )
}
