// How the address of a link is shown: decoded, as far as nobody can be misled by that.
import { domainToUnicode } from 'node:url'

import { lazy } from '../../base/lazy.ts'
import { shorten, withoutInvisible } from '../../base/text.ts'

const labelMax = 40

/** What is shown for each link of a text: host and path; the rest, too, where only that tells two of them apart. */
export function labelsOf(urls: URL[]): Map<URL, string> {
  const shorts = new Map(urls.map((url) => [url, shortLabel(url)]))
  const isAmbiguous = (url: URL) =>
    urls.some((other) => other.href !== url.href && shorts.get(other) === shorts.get(url))
  return new Map(urls.map((url) => [url, shorts.get(url)! + (isAmbiguous(url) ? restOf(url) : '')]))
}

const shortLabel = ({ hostname, port, pathname }: URL): string =>
  cut(
    hostname.split('.').map(shownLabel).join('.') +
      (port && `:${port}`) +
      (pathname === '/' ? '' : pathname.split('/').map(decoded).join('/')),
  )

const restOf = ({ search, hash }: URL): string =>
  cut(search.replace(/[^?&=]+/g, decoded) + hash.replace(/[^#]+/g, decoded))

const cut = (label: string): string => shorten(label, labelMax)

/** A part of an address as people write it; as it is where something in it could not be seen or would mean another part. */
function decoded(part: string): string {
  try {
    const text = decodeURIComponent(part)
    const misleads = /[\p{Z}\u2800/?#&=%]/u.test(text) || withoutInvisible(text) !== text
    return misleads ? part : text
  } catch {
    return part
  }
}

// The scripts that one label may mix, as browsers allow them (UTS 39, "highly restrictive").
const together = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
]
const alone = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Georgian', 'Hebrew', 'Arabic', 'Thai']
  .concat(['Lao', 'Khmer', 'Myanmar', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati', 'Oriya'])
  .concat(['Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Tibetan', 'Ethiopic'])
  .map((script) => [script])
const oneScript = lazy(() => [...alone, ...together].map((scripts) => onlyOf(scripts)))

function onlyOf(scripts: string[]): RegExp {
  const some = scripts.map((script) => `\\p{Script=${script}}`).join('')
  return new RegExp(`^[${some}\\p{M}\\p{Nd}\\u30fc\\u30fb-]+$`, 'u')
}

/** Letters that look like Latin ones: a label of nothing else (аррӏе) stays punycode. */
const lookalikes = /^[асԁеһіјӏорԛѕԝхуъьҽпгѵѡкмвтнαικνρυωηοτγհոսօցզքյ0-9-]+$/u

/** A label of a host name, in its own script where that cannot be taken for another one. */
function shownLabel(label: string): string {
  if (!label.startsWith('xn--')) return label
  const text = domainToUnicode(label)
  const isOneScript = oneScript().some((scripts) => scripts.test(text))
  return isOneScript && !lookalikes.test(text) && !/[ıłøđħŧƅɑɡ]/u.test(text) ? text : label
}
