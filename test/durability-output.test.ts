// If log lines cannot be written, lines are lost and nothing else.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { startSink } from './otlp-sink.ts'
import { runTool, scratch, smallDisk, startServer } from './process.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

type Line = { message?: string; lines?: number; why?: string; 'url.path'?: string }

/** The lines of a log file, and the number of incomplete ones. */
function read(path: string) {
  const texts = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  const lines: Line[] = []
  let torn = 0
  for (const text of texts) {
    try {
      lines.push(JSON.parse(text) as Line)
    } catch {
      torn += 1
    }
  }
  return { lines, torn }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const giveUp = Date.now() + 15_000; !holds(); await pause(50))
    assert.ok(Date.now() < giveUp, `waited in vain: ${what}`)
}

const askTimes = async (url: string, count: number) => {
  for (let number = 0; number < count; number++)
    assert.equal((await fetch(`${url}/livez`)).status, 200)
}

test('a log file on a full disk: requests are served, and the log says how many lines were lost', async (t) => {
  using place = scratch()
  using disk = smallDisk(`${place.folder}/disk`, 64)
  if (!disk) return t.skip('needs the right to mount a small disk')
  await using sink = await startSink()
  const path = `${place.folder}/disk/app.log`
  const file = openSync(path, 'a')
  await using server = await startServer(
    {
      DATABASE_URL: `file:${place.folder}/log.db`,
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_METRIC_EXPORT_INTERVAL: '500',
    },
    { stdio: ['ignore', file, 'ignore'] },
  )
  closeSync(file)
  await askTimes(server.url, 5)
  const ballast = `${place.folder}/disk/ballast`
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=512'])
  await askTimes(server.url, 40)
  rmSync(ballast)
  const notice = ({ message }: Line) => message === 'standard output: lines lost'
  await until('the notice', () => read(path).lines.some(notice))
  await askTimes(server.url, 5)
  assert.equal(await server.stop(), 0)
  const { lines, torn } = read(path)
  const { lines: lost, why } = lines.find(notice)!
  assert.equal(why, 'ENOSPC')
  assert.equal(lines.filter(notice).length, 1)
  assert.ok(torn <= 1, `${torn} torn lines`)
  const requests = ({ message }: Line) => message === 'request'
  const sent = () => sink.logs().filter(({ body }) => body === 'request').length
  assert.ok(sent() >= 50, `${sent()} lines by OTLP`)
  assert.equal(lines.filter(requests).length + lost!, sent(), 'every other line is in the file')
  const bodies = sink.logs().map(({ body }) => body)
  assert.ok(bodies.includes('standard output cannot be written'))
  assert.ok(bodies.includes('standard output: lines lost'))
  const metric = sink.metrics().find(({ name }) => name === 'tracewren.log.lines.dropped')
  assert.equal(metric?.points[0]?.value, lost)
  return undefined
})

for (const [name, redirect] of [
  ['/dev/full', '> /dev/full'],
  ['/dev/full for both', '> /dev/full 2>&1'],
  ['closed outputs', '>&- 2>&-'],
  ['an output that is only open for reading', '1< /dev/null 2>&1'],
] as const) {
  test(`${name}: it starts, serves and stops`, async () => {
    using place = scratch()
    await using server = await startServer(
      { DATABASE_URL: `file:${place.folder}/x.db`, LOG_LEVEL: 'debug' },
      {
        command: ['sh', '-c', `exec ${process.execPath} dist/server.js ${redirect}`],
        stdio: 'ignore',
      },
    )
    assert.equal((await fetch(server.url)).status, 200)
    assert.equal(await server.stop(), 0)
  })
}

test('the server survives if the reader of its log exits, and a new reader reads how many lines are missing', async () => {
  using place = scratch()
  const path = `${place.folder}/pipe`
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const reader = (file: string) =>
    spawn('sh', ['-c', `exec cat ${path} > ${place.folder}/${file}`], { stdio: 'ignore' })
  const printed = (file: string) => {
    const full = `${place.folder}/${file}`
    return existsSync(full) ? readFileSync(full, 'utf8') : ''
  }
  const first = reader('first')
  await using sink = await startSink()
  await using server = await startServer(
    {
      DATABASE_URL: `file:${place.folder}/x.db`,
      // Each request is printed.
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    },
    {
      command: ['sh', '-c', `exec ${process.execPath} dist/server.js > ${path}`],
      stdio: 'ignore',
    },
  )
  first.kill('SIGKILL')
  await new Promise((done) => first.once('close', done))
  await askTimes(server.url, 20)
  const second = reader('second')
  await until('the notice', () => printed('second').includes('"lines":'))
  assert.match(printed('second'), /"lines":(20|21),"why":"EPIPE"/)
  await askTimes(server.url, 1)
  assert.equal(await server.stop(), 0)
  await new Promise((done) => second.once('close', done))
  assert.match(printed('second'), /"message":"stopped"/)
})

test('a reader that does not read: memory is bounded, and dropped lines are counted', async () => {
  const line = 'x'.repeat(999)
  const many = 100_000
  const script = `import { stdout } from './src/base/output.ts'
    stdout.neverWait({ failed() {}, recovered() {}, text: ({ lines, why }) => why + ' ' + lines + '\\n' })
    const before = process.memoryUsage.rss()
    for (let number = 0; number < ${many}; number++) stdout.write('${line}\\n')
    console.error(process.memoryUsage.rss() - before, stdout.dropped)
    await stdout.settle(10_000)
    await new Promise((done) => setTimeout(done, 500))`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (piece: Buffer) => (said += piece))
  await until('the end of writing', () => said.endsWith('\n'))
  const [grown, dropped] = said.trim().split(' ').map(Number)
  assert.ok(grown! < 64 * 1024 * 1024, `${grown} bytes more`)
  assert.ok(dropped! > many / 2, `${dropped} dropped`)
  let taken = ''
  child.stdout.on('data', (piece: Buffer) => (taken += piece))
  await new Promise((done) => child.once('close', done))
  const lines = taken.trim().split('\n')
  assert.equal(lines.filter((one) => one === line).length, many - dropped!)
  assert.deepEqual(
    lines.filter((one) => one !== line),
    [`slow reader ${dropped}`],
  )
})

test('a command line tool: a closed pipe is not a failure, a full disk is one', () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/none.db` }
  const shell = (line: string) => {
    const done = spawnSync('sh', ['-c', line], {
      cwd: root,
      env: { PATH: process.env['PATH'], ...env },
      encoding: 'utf8',
    })
    return { code: done.status, said: done.stderr }
  }
  const tool = `${process.execPath} dist/user.js --help`
  // The reader exits before the first line.
  const left = shell(`{ sleep 0.5; ${tool}; echo "code $?" >&2; } | true`)
  assert.deepEqual(left, { code: 0, said: 'code 0\n' })
  const full = shell(`${tool} > /dev/full`)
  assert.deepEqual(full, { code: 1, said: 'Standard output cannot be written (ENOSPC).\n' })
  assert.deepEqual(shell(`${tool} > /dev/full 2>&1`), { code: 1, said: '' })
  assert.equal(runTool('user', ['--help'], env).code, 0)
  // A slow reader gets all lines.
  const slow = shell(`${tool} | { sleep 0.5; cat; } | grep -c 'with the same DATABASE_URL' >&2`)
  assert.equal(slow.said.trim(), '1')
})
