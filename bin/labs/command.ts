// `npm run lab`: the ten labs of docs/labs/, their traffic, and the check whether a lab is done.
import { parseArgs } from 'node:util'

import { App, LabError } from './app.ts'
import type { Lab } from './lab.ts'
import { labs } from './list.ts'
import { runNginx } from './nginx.ts'
import { Traffic } from './traffic.ts'

const usage = `npm run lab                                    lists the ten labs
npm run lab -- NUMBER [--trace TRACE_ID]       says what is missing in this lab, or that it is done
npm run lab -- NUMBER --traffic                sends the requests that this lab needs
npm run lab -- 10 --traffic --polite           the same with clients who read Retry-After
npm run lab -- 8 --nginx [--broken]            runs nginx in front of the app, until Ctrl+C

  --trace       the id of the trace that you have found: from its page or its address
  --url         the address of the app                      http://127.0.0.1:5000, or PORT
  --nginx-port  the port of that nginx                      5080

The app must run: npm start. The pages of the labs are in docs/labs/. Exit code 0: done, 1: something is missing.`

const options = {
  help: { type: 'boolean', short: 'h', default: false },
  traffic: { type: 'boolean', default: false },
  polite: { type: 'boolean', default: false },
  nginx: { type: 'boolean', default: false },
  broken: { type: 'boolean', default: false },
  trace: { type: 'string', default: '' },
  url: { type: 'string' },
  'nginx-port': { type: 'string', default: '5080' },
} as const

type Out = { say: (line: string) => void; complain: (line: string) => void }

/** Runs the command with these words; returns its exit code. `port` is that of the app on this machine when no `--url` is given. */
export async function runLab(words: string[], port: number, out: Out): Promise<number> {
  try {
    return await run(words, port, out)
  } catch (error) {
    if (error instanceof LabError) {
      out.complain(error.message)
      return 1
    }
    if (error instanceof TypeError && 'code' in error) {
      out.complain(`${error.message}\n\n${usage}`)
      return 2
    }
    throw error
  }
}

async function run(words: string[], port: number, { say, complain }: Out): Promise<number> {
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true })
  if (values.help) {
    say(usage)
    return 0
  }
  const [number, ...rest] = positionals
  if (number === undefined && words.length === 0) {
    for (const lab of labs)
      say(`${String(lab.number).padStart(2)}  ${lab.title.padEnd(42)}docs/labs/${lab.page}.md`)
    say('\nnpm run lab -- 1 says what is missing in lab 1.')
    return 0
  }
  const lab = labs.find((one) => String(one.number) === number)
  const mistake = mistakeIn(values, lab)
  if (!lab || rest.length > 0 || mistake !== undefined) {
    complain(`${mistake ?? `There is no lab ${positionals.join(' ')}.`}\n\n${usage}`)
    return 2
  }
  const appUrl = localUrl(values.url ?? `http://127.0.0.1:${port}`)
  const nginxPort = Number(values['nginx-port'])
  const app = new App(appUrl)
  if (values.nginx) return runNginx({ appUrl, port: nginxPort, broken: values.broken, say })
  if (values.traffic && lab.traffic) {
    await app.get('/livez')
    const nginxUrl = `http://127.0.0.1:${nginxPort}`
    const traffic = new Traffic(appUrl, lab.number)
    say(await lab.traffic(traffic, { app, polite: values.polite, nginxUrl }))
    return 0
  }
  const traceId = values.trace.trim().toLowerCase().split('/').at(-1) ?? ''
  return tell(lab, await lab.check(app, traceId), say)
}

type Values = {
  traffic: boolean
  polite: boolean
  nginx: boolean
  broken: boolean
  trace: string
  'nginx-port': string
}

/** What is wrong with the options, in a sentence. */
function mistakeIn(values: Values, lab: Lab | undefined): string | undefined {
  const port = Number(values['nginx-port'])
  if (lab === undefined) return undefined
  if (values.traffic && !lab.traffic)
    return `Lab ${lab.number} needs no traffic: its steps are clicks.`
  if (values.polite && !(values.traffic && lab.number === 10))
    return '--polite is for the traffic of lab 10.'
  if (values.nginx && lab.number !== 8) return '--nginx is for lab 8.'
  if (values.broken && !values.nginx) return '--broken is for --nginx.'
  if (values.trace !== '' && !/(^|\/)[0-9a-f]{32}$/i.test(values.trace.trim()))
    return '--trace takes the id of a trace: 32 digits and letters from a to f.'
  if (!(Number.isInteger(port) && port > 0 && port < 65_536))
    return '--nginx-port is from 1 to 65535.'
  return undefined
}

/** Labs send load: to this machine only. Throws a LabError. */
function localUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    return url.origin
  throw new LabError(`${given} is not an address of this machine, such as http://localhost:5000.`)
}

function tell(lab: Lab, findings: { done: boolean; says: string }[], say: Out['say']): number {
  say(`Lab ${lab.number}: ${lab.title}`)
  const missing = findings.filter(({ done }) => !done)
  for (const { says } of findings.filter(({ done }) => done)) say(`  done  ${says}`)
  const [next] = missing
  if (!next) {
    say(`Lab ${lab.number} is done.`)
    return 0
  }
  say(`  next  ${next.says}`)
  if (missing.length > 1) say(`Then ${missing.length - 1} more of ${findings.length}.`)
  return 1
}
