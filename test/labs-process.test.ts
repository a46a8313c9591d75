// The ten labs of docs/labs/: the steps are read from the text and carried out as it says, and the checker is asked on the way.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import { runLab } from '../bin/labs/command.ts'
import { labs } from '../bin/labs/list.ts'
import { busyMsMax, withinBounds } from '../src/faults/busy.ts'
import { serveHttp } from './doctor-rig.ts'
import { ended, runTool, scratch, startServer, type Server } from './process.ts'
import { has } from './programs.ts'

const folder = new URL('../docs/labs/', import.meta.url).pathname
const site = 'http://localhost:5000'
const pictureBytesMax = 60_000
const textOf = (page: string) => readFileSync(`${folder}${page}.md`, 'utf8')

type Step = { kind: 'command' | 'open' | 'click'; what: string }

/** The steps of a lab: its commands, the addresses that it opens, and what its clicks do. */
function stepsOf(text: string): Step[] {
  const part = /\n## Steps\n([^]*?)\n## /.exec(text)?.[1] ?? ''
  const found = part.matchAll(
    /```sh\n([^]*?)```|<http:\/\/localhost:5000([^>]*)>|<!-- does: (.*?) -->/g,
  )
  return [...found].flatMap(([, commands, address, click]): Step[] => {
    if (address !== undefined) return [{ kind: 'open', what: address }]
    if (click !== undefined) return [{ kind: 'click', what: click }]
    const lines = commands!.split('\n').map((line) => line.trim())
    return lines.filter(Boolean).map((what) => ({ kind: 'command', what }))
  })
}

/** Somebody who carries out the steps of labs, with an app, a browser and an nginx of their own. */
class Reader {
  readonly #place = scratch()
  #server: Server | undefined
  #env: Record<string, string> = {}
  #starts = 0
  #port = 0
  #nginxPort = 0
  #nginx: ChildProcess | undefined
  #cookie = ''
  traceId = ''

  async carryOut({ kind, what }: Step): Promise<void> {
    if (kind === 'open') return this.#open(what)
    if (kind === 'click') return this.#click(what)
    const [, variables, words = ''] = /^((?:[A-Z_]+=\S+ )*)npm (.*)$/.exec(what) ?? []
    if (words === 'start') {
      const pairs = variables!.trim().split(' ').filter(Boolean)
      return this.start(Object.fromEntries(pairs.map((pair) => pair.split('='))))
    }
    const [, name, rest = ''] = /^run (\w+) -- (.*)$/.exec(words) ?? []
    const given = rest.replace('TRACE_ID', this.traceId).split(' ')
    if (name === 'fault') {
      const { code, printed } = runTool('fault', given, this.#env)
      assert.equal(code, 0, `${what}\n${printed}`)
    } else {
      assert.equal(name, 'lab', `${what} is no command that the test knows`)
      if (given.includes('--nginx')) return this.#startNginx(given)
      const { code, said } = await this.lab(given)
      assert.equal(code, 0, `${what}\n${said}`)
    }
  }

  /** Asks `npm run lab` with these words. */
  async lab(words: string[]) {
    const lines: string[] = []
    const add = (line: string) => void lines.push(line)
    const given = words.includes('--traffic')
      ? [...words, '--nginx-port', String(this.#nginxPort)]
      : words
    const code = await runLab(given, this.#port, { say: add, complain: add })
    return { code, said: lines.join('\n') }
  }

  /** Starts an app with a new world, in place of the one before. */
  async start(more: Record<string, string> = {}): Promise<void> {
    await this.#server?.stop()
    this.#starts += 1
    this.#nginxPort ||= await freePort()
    const env = {
      DATABASE_URL: `file:${this.#place.folder}/${this.#starts}.db`,
      LOCK_WAIT_MS: '0',
      ...more,
    }
    this.#server = await startServer(env)
    const { port } = new URL(this.#server.url)
    this.#env = { ...env, PORT: port }
    this.#port = Number(port)
  }

  async #open(path: string): Promise<void> {
    const answer = await this.#browse(path)
    assert.ok(answer.status < 400, `${path}: ${answer.status}`)
    const page = await answer.text()
    // "… and click the first line".
    const list = /<(?:tbody id="rows"|ol class="logs")[^]*?\/traces\/([0-9a-f]{32})/.exec(page)
    if (/^\/(traces\?|logs)/.test(path)) {
      assert.ok(list, `${path} lists nothing`)
      this.traceId = list[1]!
    }
  }

  async #click(what: string): Promise<void> {
    const [, path, fields = ''] = /^POST (\S+) ?(\S*)$/.exec(what) ?? []
    const answer = await this.#browse(path!, {
      method: 'POST',
      body: new URLSearchParams(fields),
    })
    assert.ok(answer.status < 400, `${what}: ${answer.status}`)
    this.#cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? this.#cookie
  }

  #browse(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#server!.url}${path}`, {
      ...init,
      headers: { Accept: 'text/html', Cookie: this.#cookie },
      redirect: 'manual',
      signal: AbortSignal.timeout(30_000),
    })
  }

  async #startNginx(words: string[]): Promise<void> {
    await this.#stopNginx()
    const more = ['--nginx-port', String(this.#nginxPort)]
    const child = spawn(process.execPath, ['--import', 'tsx', 'bin/lab.ts', ...words, ...more], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#nginx = child
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece: Buffer) => (said += piece.toString()))
    const answers = () =>
      fetch(`http://127.0.0.1:${this.#nginxPort}/`).then(
        (one) => one.ok,
        () => false,
      )
    for (const giveUp = Date.now() + 60_000; !(await answers()); await pause(20))
      assert.ok(child.exitCode === null && Date.now() < giveUp, said)
  }

  /** Ctrl+C. */
  async #stopNginx(): Promise<void> {
    if (!this.#nginx) return
    this.#nginx.kill('SIGINT')
    await ended(this.#nginx)
    this.#nginx = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopNginx()
    await this.#server?.[Symbol.asyncDispose]()
    this.#place[Symbol.dispose]()
  }
}

test('each request of lab 3 meets the fault, even where a scan takes as long as a fault may take at once', async () => {
  const met: boolean[] = []
  const scan = async () => {
    for (const until = performance.now() + busyMsMax; performance.now() < until;);
    return true
  }
  const app = await serveHttp((request, answer) => {
    if (request.url !== '/timeline')
      return answer.writeHead(request.url === '/login' ? 303 : 200).end()
    return void (async () => {
      met.push(await withinBounds(scan, async () => false))
      answer.end()
    })()
  })
  try {
    const words = ['3', '--traffic']
    assert.equal(await runLab(words, app.port, { say: () => {}, complain: () => {} }), 0)
  } finally {
    await app.close()
  }
  assert.deepEqual(met, [true, true, true, true])
})

const reader = new Reader()
test.after(() => reader[Symbol.asyncDispose]())
let usualApp = false

for (const { number, page } of labs)
  test(`lab ${number} is not done before its last step, and done after it`, async (t) => {
    if (number === 8 && !has(t, 'nginx')) return
    const text = textOf(page)
    const steps = stepsOf(text)
    const startsApp = steps[0]!.what.endsWith('npm start')
    if (startsApp) await reader.carryOut(steps.shift()!)
    else if (!usualApp) await reader.start()
    usualApp = !startsApp || number === 1
    reader.traceId = ''
    const last = steps.pop()!
    assert.match(last.what, new RegExp(`^npm run lab -- ${number}( --trace TRACE_ID)?$`))
    const isDone = async () => {
      const named = reader.traceId === '' ? [] : ['--trace', reader.traceId]
      const { code, said } = await reader.lab([String(number), ...named])
      assert.equal(/is done/.test(said), code === 0, said)
      for (const [, command] of said.matchAll(/`((?:[A-Z_]+=\S+ )*npm [^`]*)`/g))
        assert.ok(text.includes(command!), `${page}.md does not have the command ${command}`)
      return code === 0
    }
    for (const step of steps) {
      if (step.kind !== 'open') assert.ok(!(await isDone()), `done before: ${step.what}`)
      await reader.carryOut(step)
    }
    const { code, said } = await reader.lab([String(number)])
    if (last.what.includes('TRACE_ID')) {
      assert.equal(code, 1)
      assert.match(said, /--trace TRACE_ID/)
      const wrong = await reader.lab([String(number), '--trace', 'ab'.repeat(16)])
      assert.match(wrong.said, /has no trace/)
      assert.equal(wrong.code, 1)
    }
    await reader.carryOut(last)
  })

test('a fault that was started too early, or is another one, is no lab done', async () => {
  await reader.start()
  const command = (what: string) => reader.carryOut({ kind: 'command', what })
  const next = async () => (await reader.lab(['2'])).said
  await command('npm run fault -- n-plus-one --route /timeline')
  await command('npm run lab -- 2 --traffic')
  assert.match(await next(), /^ {2}next {2}There is nothing to compare with: .*End it first/m)
  await command('npm run fault -- n-plus-one --route /timeline')
  assert.match(await next(), /before the fault there were 0 requests/)
  await command('npm run fault -- stop')
  await command('npm run lab -- 2 --traffic')
  await command('npm run fault -- n-plus-one --route /everybody')
  await command('npm run lab -- 2 --traffic')
  assert.match(await next(), /does the fault strike \/timeline\?/)
})

test('npm run lab lists the labs of docs/labs/, and each mistake is a sentence', async () => {
  const listed = await reader.lab([])
  assert.equal(listed.code, 0)
  const pages = readdirSync(folder).filter((file) => /^\d\d-.*\.md$/.test(file))
  assert.deepEqual(
    [...listed.said.matchAll(/docs\/labs\/(\S+)/g)].map(([, file]) => file),
    pages,
  )
  const nobody = await freePort()
  for (const [words, code, says] of [
    [['--help'], 0, /^npm run lab /],
    [['11'], 2, /^There is no lab 11\./],
    [['1', '2'], 2, /^There is no lab 1 2\./],
    [['3', '--loud'], 2, /--loud/],
    [['3', '--trace', 'nonsense'], 2, /^--trace takes the id of a trace/],
    [['1', '--traffic'], 2, /^Lab 1 needs no traffic/],
    [['3', '--polite'], 2, /^--polite is for/],
    [['3', '--nginx'], 2, /^--nginx is for lab 8/],
    [['3', '--traffic', '--url', 'http://example.org'], 1, /is not an address of this machine/],
    [['3', '--url', `http://127.0.0.1:${nobody}`], 1, /^No app answers at .*npm start/],
    [['3', '--traffic', '--url', `http://127.0.0.1:${nobody}`], 1, /^No app answers at/],
  ] as [string[], number, RegExp][]) {
    const answered = await reader.lab(words)
    assert.match(answered.said, says)
    assert.equal(answered.code, code, words.join(' '))
  }
})

test('without nginx lab 8 says how to get it; an instance without inspector is told', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'bin/lab.ts', '8', '--nginx'], {
    env: { PATH: '/nowhere' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
  assert.equal(await ended(child), 1)
  assert.match(said, /^nginx is not on PATH\.[^]*apt install[^]*brew install/)
  await reader.start({ INSPECT: '0' })
  const told = await reader.lab(['1'])
  assert.match(told.said, /does not show \/traces .*Labs need a demo with the inspector/)
})

test('each lab has its parts, and light pictures', () => {
  for (const { number, title, page } of labs) {
    const text = textOf(page)
    assert.ok(text.startsWith(`# Lab ${number}: ${title}\n\n*15 minutes.*`), page)
    for (const part of ['Steps', 'What you should see', 'For teachers'])
      assert.ok(text.includes(`\n## ${part}\n`), `${page}: ${part}`)
    assert.ok(!text.replaceAll(site, '').includes('http://localhost'), page)
    for (const [, picture] of text.matchAll(/!\[.*?\]\((.*?)\)/g))
      assert.ok(statSync(`${folder}${picture}`).size <= pictureBytesMax, picture)
  }
})
