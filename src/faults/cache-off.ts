import { cacheSwitch } from '../ui/fragment-cache.ts'
import { breaking } from './breaking.ts'
import type { Fault } from './fault.ts'

export const cacheOff: Fault = {
  name: 'cache-off',
  kind: 'application',
  title: 'Cache off',
  does: 'Some lookups of rendered cards find nothing, so that the cards are rendered again.',
  moves:
    'tracewren.card_cache.lookups with hit=false; app.render.duration_ms of every page with a list.',
  find: '/traces/runtime: "Cards from the cache": most are rendered instead of found. /routes: p50 of all pages with lists is up, queries are as before; in their traces, "rendering" has grown.',
  cure: 'Look at what changes the key of the cache, or at its size.',
  strength: { what: 'Lookups that miss', unit: '%', min: 1, max: 100, default: 100 },
  start: breaking(cacheSwitch, 'misses'),
}
