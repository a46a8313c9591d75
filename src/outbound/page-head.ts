// Title and description of a page. Reads tags from its beginning to its body, each character once or twice: whatever the
// page is, the time is linear.
import { decodeHTML, decodeHTMLAttribute } from 'entities'

/** What a page says about itself; texts as it has them, entities decoded. */
type PageHead = { title: string | undefined; description: string | undefined }

/** Only the beginning of a text is shown: so many characters are enough to be decoded. */
const textMax = 4000
/** Their content is no markup; in `title` it is the title. */
const rawElements = new Set(['title', 'script', 'style', 'textarea', 'xmp', 'iframe', 'noframes'])
/** From here on there is content. `svg` has titles of its own. */
const ends = new Set(['body', '/head', 'svg', 'math', 'plaintext'])

const tagStart = /<(\/?[a-zA-Z][^\s/>]*)/y
const attribute =
  /[\s/]*(?:([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?|(=[^\s/>]*))/y

/** Finds title and description: those for previews (Open Graph) before those for everybody. */
export function readHead(html: string): PageHead {
  const found = new Map<string, string>()
  const keep = (name: string, text: string) => {
    if (text.trim() !== '' && !found.has(name)) found.set(name, text)
  }
  let at = html.indexOf('<')
  while (at >= 0) {
    tagStart.lastIndex = at
    const name = tagStart.exec(html)?.[1]?.toLowerCase()
    if (name === undefined) {
      at = html.indexOf('<', afterMarkup(html, at))
      continue
    }
    if (ends.has(name)) break
    const tag = readTag(html, tagStart.lastIndex)
    at = tag.end
    if (name === 'meta') {
      const { attributes } = tag
      const key = (attributes.get('property') ?? attributes.get('name') ?? '').trim().toLowerCase()
      keep(key, decodeHTMLAttribute(attributes.get('content')?.slice(0, textMax) ?? ''))
    } else if (rawElements.has(name)) {
      const end = endOf(html, name, at)
      if (end < 0) break
      if (name === 'title') keep(name, decodeHTML(html.slice(at, Math.min(end, at + textMax))))
      at = end
    }
    at = html.indexOf('<', at)
  }
  return {
    title: found.get('og:title') ?? found.get('title'),
    description: found.get('og:description') ?? found.get('description'),
  }
}

/** Where a comment, a declaration or a stray `<` ends. */
function afterMarkup(html: string, at: number): number {
  if (html.startsWith('<!--', at)) return endAfter(html, '-->', at + '<!'.length)
  return /^[!?/]/.test(html.charAt(at + 1)) ? endAfter(html, '>', at) : at + 1
}

function endAfter(html: string, words: string, from: number): number {
  const end = html.indexOf(words, from)
  return end < 0 ? html.length : end + words.length
}

/** The attributes of a tag, the first of each name, and where the tag ends: not at a `>` in quotes. */
function readTag(html: string, from: number) {
  const attributes = new Map<string, string>()
  let end = from
  for (;;) {
    attribute.lastIndex = end
    const match = attribute.exec(html)
    if (match === null) break
    end = attribute.lastIndex
    const name = match[1]?.toLowerCase()
    if (name !== undefined && !attributes.has(name))
      attributes.set(name, match[2] ?? match[3] ?? match[4] ?? '')
  }
  return { attributes, end: endAfter(html, '>', end) }
}

/** Where the end tag of an element begins whose content is no markup; -1 without one. */
function endOf(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}(?=[\\s/>])`, 'gi')
  closing.lastIndex = from
  return closing.exec(html)?.index ?? -1
}
