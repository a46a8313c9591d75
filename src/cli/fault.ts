import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

import type { Settings } from '../config/env.ts'
import { faultTokenFile } from '../config/fault-settings.ts'
import { localOrigin } from '../config/own-address.ts'
import { StartError } from '../config/start-error.ts'
import { dataFolder } from '../db/data-folder.ts'
import { complain, main, say } from './command.ts'

const help = `npm run fault [-- list]
npm run fault -- NAME [--strength N] [--route PATTERN] [--share N] [--seed N] [--seconds N]
npm run fault -- stop [NAME]

Breaks the running app on purpose, until the fault ends by itself or is stopped.

  list        prints all faults, and which are active
  NAME        starts this fault, or starts it anew with other options
  stop        ends one fault, or all

  --strength  how strong; the list has the unit, the range and the default of each fault
  --route     the routes whose requests it strikes: /timeline, "POST /favorite/:id", "/account/*", "*"
  --share     the share of their requests, above 0 and up to 1 (1)
  --seed      the same seed strikes the same requests again (1)
  --seconds   how long, up to 3600 (300)
  --url       the address of the app, when it is not that of HOST and PORT

Run this as the same user as the app, with the same DATABASE_URL: it reads the token in the data folder.`

const answerMs = 10_000

const text = { type: 'string' } as const
const options = { strength: text, route: text, share: text, seed: text, seconds: text, url: text }

await main({
  help,
  async run(args, settings) {
    const { values, positionals } = parsed(args)
    const [word = 'list', name, ...rest] = positionals
    const { url, ...asked } = values
    const takesName = word === 'stop'
    const takesOptions = word !== 'stop' && word !== 'list'
    const hasOptions = Object.keys(asked).length > 0
    if (rest.length > 0 || (name !== undefined && !takesName) || (hasOptions && !takesOptions)) {
      complain(help)
      return 2
    }
    const app = appAt(url ?? localOrigin(settings), tokenOf(settings))
    if (word === 'list') say(listed((await app('GET', '/faults')) as List))
    else if (word === 'stop') await stop(app, name)
    else await start(app, word, asked)
    return 0
  },
})

type Fields = Record<string, string>
type App = (method: 'GET' | 'POST', path: string, fields?: Fields) => Promise<unknown>

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
  }
}

async function start(app: App, name: string, asked: Fields): Promise<void> {
  await app('POST', `/faults/${encodeURIComponent(name)}`, asked)
  const { faults, warnings } = (await app('GET', '/faults')) as List
  const active = faults.find((one) => one.name === name)?.active
  say(active ? `${name} is active until ${active.until}.` : `${name} has ended already.`)
  for (const sentence of warnings) say(sentence)
}

async function stop(app: App, name: string | undefined): Promise<void> {
  await app(
    'POST',
    name === undefined ? '/faults/stop' : `/faults/${encodeURIComponent(name)}/stop`,
  )
  say(name === undefined ? 'All faults have ended.' : `${name} has ended.`)
}

type Listed = {
  name: string
  does: string
  strength: { what: string; unit: string; min: number; max: number; default: number }
  takes_route: boolean
  refused: string | null
  active: { strength: number; route: string | null; until: string } | null
}
type List = { faults: Listed[]; warnings: string[] }

function listed({ faults, warnings }: List): string {
  return [...faults.map(paragraph), ...warnings].join('\n')
}

function paragraph({ name, does, strength, takes_route: takesRoute, refused, active }: Listed) {
  const { what, unit, min, max } = strength
  return [
    `${name}${active ? `  ACTIVE until ${active.until}` : ''}`,
    `    ${does}`,
    `    --strength: ${what.toLowerCase()}, ${unit}, ${min} to ${max} (${strength.default})`,
    ...(takesRoute ? ['    takes --route and --share'] : []),
    ...(refused === null ? [] : [`    ${refused}`]),
  ].join('\n')
}

/** The token in the data folder; undefined when the app has written none. */
function tokenOf(settings: Settings): string | undefined {
  try {
    const file = join(dataFolder(settings.DATABASE_URL), faultTokenFile)
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code = '', path = '' } = error as NodeJS.ErrnoException
    if (code !== 'EACCES') return undefined
    throw new StartError(
      `${relative('', path)} belongs to another user. Run this command as the user that runs the app.`,
    )
  }
}

/** The app at this address. Its refusals become StartErrors. */
function appAt(url: string, token: string | undefined): App {
  return async (method, path, fields) => {
    const answer = await send(url, path, {
      method,
      headers: {
        Accept: 'application/json',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      ...(method === 'POST' && { body: new URLSearchParams(fields) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    const body = (await answer.json().catch(() => ({}))) as { error?: string }
    if (answer.ok) return body
    if (answer.status === 404)
      throw new StartError(`The app at ${url} has no fault lab. Start it with FAULTS=1.`)
    throw new StartError(body.error ?? `The app at ${url} answers ${answer.status}.`)
  }
}

async function send(url: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(new URL(path, url), init)
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new StartError(
        `The app at ${url} did not answer within ${answerMs / 1000} seconds. SIGUSR2 ends all faults of its process.`,
      )
    throw new StartError(
      `No app answers at ${url}. Start it with npm start, or name its address with --url.`,
    )
  }
}
