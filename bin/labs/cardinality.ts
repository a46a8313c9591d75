import { faultPhases, finding, type Lab } from './lab.ts'

const title = 'GET /everybody'
const many = 50
/** http.server.request.duration: 14 bounds and infinity, a sum and a count. */
const seriesOfHistogram = 17

export const cardinality: Lab = {
  number: 9,
  title: 'Cardinality that eats the metrics store',
  page: '09-cardinality',
  async traffic(send) {
    await send.repeat('/everybody', 150)
    return 'Read /everybody 150 times.'
  },
  async check(app) {
    const lab = {
      number: 9,
      fault: 'many-routes',
      start: 'npm run fault -- many-routes --strength 200',
      title,
      least: 5,
    }
    const { opening, closing } = await faultPhases(app, lab)
    const made = (await app.routes()).filter((name) => /^GET \/everybody\/\d+$/.test(name)).length
    return [
      // During the fault the requests have other names.
      ...opening.slice(0, 2),
      finding(
        made >= many,
        `One route has become ${made} rows of /routes. In a metrics store these are ${made * seriesOfHistogram} time series instead of ${seriesOfHistogram}, for one histogram of one process.`,
        `/routes has ${made} made-up rows, and ${many} are needed: \`npm run lab -- 9 --traffic\`, while the fault is active`,
      ),
      ...closing,
      finding(
        made >= many,
        'The rows are still there: what a store has taken in, it keeps.',
        'The rows of the fault are gone: the app has been started anew.',
      ),
    ]
  },
}
