import { faultPhases, finding, inMs, isOf, rootOf, traceFinding, type Lab } from './lab.ts'

const title = 'GET /timeline'
const slowMs = 500

export const slowForSome: Lab = {
  number: 4,
  title: 'Slow for some, not for all',
  page: '04-slow-for-some',
  async traffic(send) {
    await send.signIn()
    const times = (await send.repeat('/timeline', 60)).map(({ ms }) => ms)
    return `Read /timeline 60 times; ${times.filter((ms) => ms > slowMs).length} took longer than ${slowMs} ms.`
  },
  async check(app, traceId) {
    const { phases, opening, closing } = await faultPhases(app, {
      number: 4,
      fault: 'latency',
      start: 'npm run fault -- latency --route /timeline --share 0.05 --strength 800',
      title,
      least: 40,
    })
    const times = phases.during.map(({ ms }) => ms).sort((one, other) => one - other)
    const at = (share: number) => times[Math.ceil(times.length * share) - 1] ?? 0
    const mean = times.reduce((sum, ms) => sum + ms, 0) / (times.length || 1)
    const slow = times.filter((ms) => ms > slowMs).length
    return [
      ...opening,
      finding(
        slow > 0 && slow < times.length / 5,
        `${slow} of ${times.length} were slow: mean ${inMs(mean)}, p50 ${inMs(at(0.5))}, p99 ${inMs(at(0.99))}. Nobody had the mean.`,
        `${slow} of ${times.length} requests were slow; it should be a few. \`npm run fault -- latency --route /timeline --share 0.05 --strength 800\``,
      ),
      await traceFinding(
        app,
        {
          traceId,
          number: 4,
          right: 'You found one of the slow ones, and the gap in its handler.',
        },
        (spans) => {
          if (!isOf(spans, title)) return 'This trace is not that of a timeline.'
          const ms = rootOf(spans)?.ms ?? 0
          return ms > slowMs ? undefined : `This trace took ${inMs(ms)}: it is not a slow one.`
        },
      ),
      ...closing,
    ]
  },
}
