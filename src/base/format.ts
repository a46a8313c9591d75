import { lazy } from './lazy.ts'

// The first object of Intl takes 15 ms, most of which is reading the data of languages.
const compact = lazy(
  () => new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }),
)
const exact = lazy(() => new Intl.NumberFormat('en'))
// Not Intl.DateTimeFormat: it takes 1 us for a date, twenty times a page.
const months =
  'January February March April May June July August September October November December'.split(' ')
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** `1234` as `1.2K`. */
export const shortCount = (count: number): string =>
  count < 1000 ? String(count) : compact().format(count)

/** `3 tweets`, `1 tweet`, `1,234 tweets`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count < 1000 ? count : exact().format(count)} ${count === 1 ? one : many}`

/**
 * How long ago, rounded down: `now`, `40s`, `3m`, `2h`, `4d`, then the date. Both times are in milliseconds UTC.
 * A time less than a day in the future is `now`, because clocks differ. A later time is shown as its date: the clock
 * that wrote it was wrong.
 */
export function ago(then: number, now: number): string {
  const age = now - then
  if (age <= -day) return date(then, now)
  if (age < 5000) return 'now'
  if (age < minute) return `${Math.floor(age / 1000)}s`
  if (age < hour) return `${Math.floor(age / minute)}m`
  if (age < day) return `${Math.floor(age / hour)}h`
  if (age < 7 * day) return `${Math.floor(age / day)}d`
  return date(then, now)
}

function date(then: number, now: number): string {
  const at = new Date(then)
  const dayOfYear = `${months[at.getUTCMonth()]!.slice(0, 3)} ${at.getUTCDate()}`
  const year = at.getUTCFullYear()
  return year === new Date(now).getUTCFullYear() ? dayOfYear : `${dayOfYear}, ${year}`
}

/** `2026-11-22 19:01 UTC`. */
export const fullTime = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** `November 2026`. */
export function month(at: number): string {
  const time = new Date(at)
  return `${months[time.getUTCMonth()]} ${time.getUTCFullYear()}`
}
