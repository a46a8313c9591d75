import type { App, Seen } from './app.ts'
import { faultPhases, finding, isOf, traceFinding, type Lab } from './lab.ts'

const title = 'GET /everybody'
const least = 60
const tracesWeighed = 10

export const sampling: Lab = {
  number: 6,
  title: 'Sampling and what it hides',
  page: '06-sampling',
  async traffic(send) {
    const answers = await send.repeat('/everybody', 100)
    return `Read /everybody 100 times; ${answers.filter(({ status }) => status >= 500).length} failed.`
  },
  async check(app, traceId) {
    const { phases, opening, closing } = await faultPhases(app, {
      number: 6,
      fault: 'errors',
      start: 'npm run fault -- errors --route /everybody --strength 10',
      title,
      least,
    })
    const { during } = phases
    const kept = during.filter(({ sampled }) => sampled)
    const failed = during.filter((one) => one.failed)
    const keptFailed = failed.filter(({ sampled }) => sampled)
    const bytes = await bytesOfOne(app, during)
    const inKb = (requests: number) => `${((requests * bytes) / 1024).toFixed(0)} kB`
    // Nothing is compared with before and after: only the end of the fault is asked for.
    return [
      ...opening.slice(1),
      finding(
        kept.length < during.length / 2,
        'The app exports only a part of its traces.',
        'The app exports every trace. End it with Ctrl+C, and start it so: `OTEL_TRACES_SAMPLER=parentbased_traceidratio OTEL_TRACES_SAMPLER_ARG=0.1 npm start`',
      ),
      finding(
        failed.length > keptFailed.length,
        [
          `Of ${during.length} requests, ${kept.length} are exported: ${inKb(kept.length)} of JSON instead of ${inKb(during.length)}.`,
          `The price: of ${failed.length} failures, ${failed.length - keptFailed.length} are in no backend.`,
        ].join(' '),
        'No failure was left out: `npm run lab -- 6 --traffic`',
      ),
      await traceFinding(
        app,
        { traceId, number: 6, right: 'You found a failure that a backend would not have.' },
        (spans) => {
          if (!isOf(spans, title)) return `This trace is not one of ${title}.`
          const isLost = failed.some((one) => one.traceId === traceId && !one.sampled)
          return isLost ? undefined : 'This trace has not failed, or it is exported.'
        },
      ),
      ...closing.slice(0, 1),
    ]
  },
}

/** The size of a trace, on average. */
async function bytesOfOne(app: App, requests: Seen[]): Promise<number> {
  const some = requests.slice(0, tracesWeighed)
  const sizes = await Promise.all(
    some.map(async ({ traceId }) => (await app.trace(traceId))?.bytes ?? 0),
  )
  return sizes.reduce((sum, bytes) => sum + bytes, 0) / (some.length || 1)
}
