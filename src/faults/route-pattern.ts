// Which routes a fault strikes.
import { Refusal } from '../base/refusal.ts'

/** A route of the app, as Hono names it: `/favorite/:id{[0-9]+}`. */
export type Route = { method: string; path: string }

/** The way out is never shut: from here one sees what is wrong, and ends it. */
const exempt =
  /^\/(faults|livez|readyz|login|logout|static|traces|logs|routes|runtime|chip)(\/|$|\*)/

const isExempt = (path: string): boolean => exempt.test(path)

/** The path without regular expressions, as people know it from docs/http.md and /routes. */
const named = (path: string) => path.replaceAll(/\{(?:[^{}]|\{[^}]*\})*\}/g, '')

/** The key of a route, for `RouteSet`. */
export const keyOf = ({ method, path }: Route): string => `${method} ${path}`

/** The names of all routes that a fault may strike, `GET /timeline`, for a list to choose from. */
export const breakableRoutes = (routes: Route[]): string[] => [
  ...new Set(
    routes
      .filter(({ method, path }) => method !== 'ALL' && !isExempt(path))
      .map(({ method, path }) => `${method} ${named(path)}`),
  ),
]

/**
 * The keys of the routes that a pattern names: `/timeline`, `POST /favorite/:id`, `/account/*`, `*`. Throws a 422 Refusal when
 * there are none, or only some that are never broken.
 */
export function routesOf(pattern: string, routes: Route[]): Set<string> {
  const [, method, path = ''] = /^(?:([A-Za-z]+) +)?(\S+)$/.exec(pattern) ?? []
  const fits = new RegExp(`^${path.split('*').map(quoted).join('.*')}$`)
  const found = routes.filter(
    (one) =>
      one.method !== 'ALL' &&
      (method === undefined || method.toUpperCase() === one.method) &&
      (path === '*' || fits.test(named(one.path))),
  )
  const breakable = found.filter((one) => !isExempt(one.path))
  if (path === '' || found.length === 0)
    throw refuse(
      'No route has this pattern. Write it as /routes does: /timeline, POST /favorite/:id, or with a star, /account/*.',
    )
  if (breakable.length === 0)
    throw refuse('These routes are never broken, so that there is always a way out.')
  return new Set(breakable.map(keyOf))
}

const quoted = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

const refuse = (sentence: string) => new Refusal(422, sentence, { code: 'bad_fault_route' })
