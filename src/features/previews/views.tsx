import { html } from '../../ui/html.ts'
import { labelsOf } from '../../ui/text/label.ts'
import type { Preview } from './column.ts'

type Shown = { id: number; preview?: string | null }

/** The page that a tweet links to, under its text: title, description, host. Who may delete the tweet may remove it. */
export const LinkPreview = ({ id, preview }: Shown, mayRemove: boolean) => {
  if (preview === undefined || preview === null) return ''
  const [href, title, description] = JSON.parse(preview) as Preview
  const url = new URL(href)
  // The host of the link, not of the page behind redirects: that is where a click goes first.
  const origin = new URL(url.origin)
  const path = `/tweet/${id}/preview/delete`
  return html`<div class="preview">
    <a href="${url.href}" rel="nofollow ugc noopener" target="_blank"
      ><strong dir="auto">${title}</strong
      >${description === '' ? '' : html`<span dir="auto">${description}</span>`}<small dir="ltr"
        >${labelsOf([origin]).get(origin)}</small
      ></a
    >
    ${mayRemove && html`<form method="post" action="${path}" hx-post="${path}"><button>Remove preview</button></form>`}
  </div>`
}
