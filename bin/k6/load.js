// loadtest/k6/load.js for `npm run load`: writes all numbers to the file OUT; bin/load-report.ts judges them.
export { default, options } from '../../loadtest/k6/load.js'

export const handleSummary = (data) => ({ [__ENV.OUT]: JSON.stringify(data) })
