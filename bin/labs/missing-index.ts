import { faultPhases, finding, inMs, isOf, median, traceFinding, type Lab } from './lab.ts'

const title = 'GET /timeline'

export const missingIndex: Lab = {
  number: 3,
  title: 'The missing index',
  page: '03-missing-index',
  async traffic(send) {
    await send.signIn()
    // A fault keeps an app busy for a part of the time only: after a rest, each request meets it, on a slow machine, too.
    await send.repeat('/timeline', 4, 500)
    return 'Read /timeline 4 times.'
  },
  async check(app, traceId) {
    const { phases, opening, closing } = await faultPhases(app, {
      number: 3,
      fault: 'full-scan',
      start: 'npm run fault -- full-scan --route /timeline --strength 100',
      title,
      least: 3,
    })
    const { before, during } = phases
    const ms = (of: typeof before) => median(of.map((one) => one.ms))
    const sameQueries =
      median(before.map(({ queries }) => queries)) === median(during.map(({ queries }) => queries))
    return [
      ...opening,
      finding(
        during.length > 0 && sameQueries,
        `The number of queries stayed, the usual duration went from ${inMs(ms(before))} to ${inMs(ms(during))}.`,
        'The number of queries has changed: is another fault active, too? `npm run fault -- stop`',
      ),
      await traceFinding(
        app,
        { traceId, number: 3, right: 'You found a query that scans a whole table, by its plan.' },
        (spans) => {
          if (!isOf(spans, title)) return 'This trace is not that of a timeline.'
          const scans = spans.some(({ attributes }) =>
            attributes['db.query.text']?.includes('scanned NOT INDEXED'),
          )
          return scans ? undefined : 'In this trace no query scans a whole table.'
        },
      ),
      ...closing,
    ]
  },
}
