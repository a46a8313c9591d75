/** What pages say about this instance as a whole. */
export type Site = {
  name: string
  tagline: string
  rules: string | undefined
  /** The demo world is there. */
  demo: boolean
  /** The inspector shows what each page did. */
  shows: boolean
  /** Everybody may sign up. */
  isOpen: boolean
  /** Another one for each that differs, so that what is kept of a page can be kept by it. */
  number: number
}
/** One in a program; tests have a few. */
const siteNumbers = new Map<string, number>()

/** The site with its number. */
export function numberedSite(site: Omit<Site, 'number'>): Site {
  const key = JSON.stringify(site)
  const number = siteNumbers.get(key) ?? siteNumbers.size + 1
  siteNumbers.set(key, number)
  return { ...site, number }
}
