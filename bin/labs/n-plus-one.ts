import { faultPhases, finding, isOf, median, traceFinding, type Lab } from './lab.ts'

const title = 'GET /timeline'
/** A timeline has two queries; more than so many are one for each row. */
const many = 10

export const nPlusOne: Lab = {
  number: 2,
  title: 'N+1',
  page: '02-n-plus-one',
  async traffic(send) {
    await send.signIn()
    await send.repeat('/timeline', 5)
    return 'Read /timeline 5 times.'
  },
  async check(app, traceId) {
    const { phases, opening, closing } = await faultPhases(app, {
      number: 2,
      fault: 'n-plus-one',
      start: 'npm run fault -- n-plus-one --route /timeline',
      title,
      least: 3,
    })
    const queries = (of: typeof phases.before) => median(of.map((one) => one.queries))
    return [
      ...opening,
      finding(
        queries(phases.during) > queries(phases.before) + many,
        `The timeline went from ${queries(phases.before)} queries to ${queries(phases.during)}.`,
        `The timeline had as many queries as before (${queries(phases.during)}): does the fault strike /timeline?`,
      ),
      await traceFinding(
        app,
        { traceId, number: 2, right: 'You found a trace with one query for each post.' },
        (spans) => {
          const lookups = spans.filter(({ name }) => name === 'SELECT users').length
          if (!isOf(spans, title)) return 'This trace is not that of a timeline.'
          return lookups > many ? undefined : 'In this trace no query comes again and again.'
        },
      ),
      ...closing,
    ]
  },
}
