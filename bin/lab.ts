// `npm run lab`: see docs/labs/README.md.
import { processSettings } from '../src/config/env.ts'
import { StartError } from '../src/config/start-error.ts'
import { runLab } from './labs/command.ts'

const out = {
  say: (line: string) => console.log(line),
  complain: (line: string) => console.error(line),
}
try {
  process.exitCode = await runLab(process.argv.slice(2), processSettings().PORT, out)
} catch (error) {
  if (!(error instanceof StartError)) throw error
  out.complain(error.message)
  process.exitCode = 1
}
