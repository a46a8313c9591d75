import { domainToASCII } from 'node:url'

/** So long a domain can be; what is longer is none, and would take long to convert. */
const domainMax = 253

/**
 * The one spelling of an email address: lower case, NFC, its domain in ASCII, so that `a@bücher.example` and
 * `a@xn--bcher-kva.example` are one account. A domain that has no ASCII form stays as it is.
 */
export function normalAddress(address: string): string {
  const lower = address.trim().normalize('NFC').toLowerCase().normalize('NFC')
  const at = lower.lastIndexOf('@')
  const domain = lower.slice(at + 1)
  const isWide = /[^\0-\x7f]/.test(domain) && domain.length <= domainMax
  // `domainToASCII` reads a URL: it would cut at a slash, a colon or the like.
  if (at < 0 || !isWide || !/^(?:[a-z0-9.-]|[^\0-\x7f])+$/u.test(domain)) return lower
  return lower.slice(0, at + 1) + (domainToASCII(domain) || domain)
}
