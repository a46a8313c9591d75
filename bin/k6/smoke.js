// loadtest/k6/smoke.js as `npm run load` runs it: all numbers go into the file OUT, and bin/load-report.ts judges them.
export { default, options } from '../../loadtest/k6/smoke.js'

export const handleSummary = (data) => ({ [__ENV.OUT]: JSON.stringify(data) })
