// One stack for the test: a project with a name, a network and ports of its own, from the files of COMPOSE_FILE.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parse, stringify } from 'yaml'

import { freePort } from '../free-port.ts'
import { must, run, runAlways, type Options } from './shell.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

export type Service = {
  image: string
  build?: { target?: string }
  depends_on?: Record<string, unknown>
  stop_grace_period?: string
}
/** What `docker inspect` says about a container. */
export type Container = {
  Id: string
  Name: string
  State: {
    Pid: number
    ExitCode: number
    Running: boolean
    StartedAt: string
    Health?: { Status: string }
  }
}

/** `docker compose` or `docker-compose`; throws a sentence when there is neither, or no engine. */
export async function findCompose(): Promise<string[]> {
  const engine = await run('docker', ['version', '--format', '{{.Server.Version}}'])
  if (engine.code !== 0)
    throw new Error(
      'No Docker engine answers: start Docker, or set DOCKER_HOST. (`docker version` failed.)',
    )
  for (const words of [['docker', 'compose'], ['docker-compose']])
    if ((await run(words[0]!, [...words.slice(1), 'version'])).code === 0) return words
  throw new Error('Docker Compose is missing: install its plug-in, or docker-compose.')
}

/** A network that no container network of this machine overlaps. */
async function freeNetwork(): Promise<string> {
  const ids = (await must('docker', ['network', 'ls', '-q'])).split('\n').filter(Boolean)
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}'
  const used =
    ids.length > 0 ? await must('docker', ['network', 'inspect', '--format', format, ...ids]) : ''
  for (let part = 200; part < 255; part++)
    if (!used.includes(`10.213.${part}.`)) return `10.213.${part}`
  throw new Error('All networks from 10.213.200.0/24 on are in use.')
}

/** The variables that compose.yaml reads have their defaults in the test, whatever this shell and `.env` say. */
function withoutSettings(): Record<string, string> {
  const yaml = textOf('compose.yaml')
  const names = [...yaml.matchAll(/\$\{([A-Z_]+)|^ {6}([A-Z_]+):$/gm)].map(
    ([, one, other]) => one ?? other,
  )
  names.push('GRAFANA_PASSWORD', 'COMPOSE_PROFILES')
  const own = Object.entries(process.env).filter(([name]) => !names.includes(name))
  return Object.fromEntries(own) as Record<string, string>
}

const portNames = ['HTTP', 'APP', 'GRAFANA', 'LOCUST', 'OTLP_GRPC', 'OTLP_HTTP'] as const
type PortName = (typeof portNames)[number]

export class Stack {
  readonly project: string
  readonly folder: string
  /** Services that are not there, and why. */
  readonly leftOut = new Map<string, string>()
  services: Record<string, Service> = {}
  readonly #compose: string[]
  readonly #files: string[]
  readonly #env: Record<string, string>
  readonly #ports: Record<PortName, number>

  private constructor(compose: string[], ports: number[], network: string) {
    this.project = `tracewren-test-${process.pid}`
    this.folder = join(root, '.cache', 'stack', this.project)
    this.#compose = compose
    const own = process.env['COMPOSE_FILE'] || 'compose.yaml'
    const separator = process.env['COMPOSE_PATH_SEPARATOR'] || delimiter
    this.#files = own.split(separator).map((path) => resolve(root, path))
    this.#ports = Object.fromEntries(
      portNames.map((name, index) => [name, ports[index]!]),
    ) as Record<PortName, number>
    const published = Object.entries(this.#ports).map(([name, port]) => [
      `${name}_PORT`,
      name === 'HTTP' ? `127.0.0.1:${port}` : String(port),
    ])
    this.#env = {
      ...withoutSettings(),
      ...(Object.fromEntries(published) as Record<string, string>),
      STACK_NETWORK: network,
      // The smoke test has the time for a few rounds, and limits that a busy machine keeps.
      SMOKE_SECONDS: '10',
      PATIENCE_MS: '10000',
    }
    mkdirSync(this.folder, { recursive: true })
    writeFileSync(this.#path('no.env'), '')
    writeFileSync(this.#path('collector.yaml'), collectorWithFile())
    this.#writeOverride()
  }

  /** Prepares everything, but starts nothing. */
  static async make(): Promise<Stack> {
    const compose = await findCompose()
    const stack = new Stack(
      compose,
      await Promise.all(portNames.map(freePort)),
      await freeNetwork(),
    )
    await stack.#readServices()
    return stack
  }

  #path = (name: string) => join(this.folder, name)

  async #readServices(): Promise<void> {
    const json = await this.must(['--profile', 'k6', 'config', '--format', 'json'])
    this.services = (JSON.parse(json) as { services: Record<string, Service> }).services
    // A service of the profile k6 stays there when it gets another profile.
    for (const name of this.leftOut.keys()) delete this.services[name]
    const all = parse(textOf('compose.yaml')) as { services: Record<string, unknown> }
    for (const name of Object.keys(all.services))
      if (!(name in this.services) && !this.leftOut.has(name))
        this.leftOut.set(name, 'COMPOSE_FILE takes it out')
  }

  #writeOverride(): void {
    const config = `${this.#path('collector.yaml')}:/etc/otelcol/config.yaml:ro,z`
    const services = {
      ...(!this.leftOut.has('opentelemetry-collector') && {
        'opentelemetry-collector': { volumes: [config] },
      }),
      ...Object.fromEntries(
        [...this.leftOut.keys()].map((name) => [name, { profiles: ['left-out'] }]),
      ),
    }
    writeFileSync(this.#path('override.yaml'), stringify({ services }))
  }

  /** Takes these services out of the project. */
  async leaveOut(reasons: Map<string, string>): Promise<void> {
    for (const [name, why] of reasons) this.leftOut.set(name, why)
    this.#writeOverride()
    await this.#readServices()
  }

  has = (service: string): boolean => service in this.services
  at = (port: PortName, path = ''): string => `http://127.0.0.1:${this.#ports[port]}${path}`

  #args(words: string[], files: string[]): [string, string[]] {
    const all = [...this.#files, this.#path('override.yaml'), ...files]
    const given = all.flatMap((file) => ['-f', file])
    const [program = '', ...first] = this.#compose
    const about = ['-p', this.project, '--project-directory', root]
    return [program, [...first, '--env-file', this.#path('no.env'), ...about, ...given, ...words]]
  }

  /** Runs Compose; `files` are added to those of the project. */
  run(words: string[], { files = [], ...options }: Options & { files?: string[] } = {}) {
    return run(...this.#args(words, files), { seconds: 120, env: this.#env, ...options })
  }

  must(words: string[], { files = [], ...options }: Options & { files?: string[] } = {}) {
    return must(...this.#args(words, files), { seconds: 120, env: this.#env, ...options })
  }

  /** Runs a program in a container of the stack; returns its output. */
  exec = (service: string, ...words: string[]): Promise<string> =>
    this.must(['exec', '-T', service, ...words])

  /** The container of each service. */
  async containers(): Promise<Map<string, Container>> {
    const filter = `label=com.docker.compose.project=${this.project}`
    const ids = (await must('docker', ['ps', '-aq', '--filter', filter])).split('\n')
    const given = ids.filter(Boolean)
    if (given.length === 0) return new Map()
    type Told = Container & { Config: { Labels: Record<string, string> } }
    const told = JSON.parse(await must('docker', ['inspect', ...given])) as Told[]
    return new Map(told.map((one) => [one.Config.Labels['com.docker.compose.service']!, one]))
  }

  /** Runs a shell line on the machine of the engine, with its process ids: for kill -9, which no container can do to itself. */
  onHost = (line: string): Promise<string> => {
    const image = this.services['volumes']!.image
    const words = ['run', '--rm', '--pid', 'host', '--network', 'none', '--user', '0:0', image]
    return must('docker', [...words, 'sh', '-c', line])
  }

  /** Copies files of the project to where a test may change them; returns a Compose file that mounts the copy. */
  copyFor(service: string, path: string): { copy: string; file: string } {
    const copy = this.#path(path)
    cpSync(join(root, path), copy, { recursive: true })
    const file = this.#path('copy.yaml')
    const volumes = [`${copy}:/app/${path}:ro,z`]
    writeFileSync(file, stringify({ services: { [service]: { volumes } } }))
    return { copy, file }
  }

  /** Removes containers, networks and volumes of the project; returns what is left. */
  async remove(): Promise<string[]> {
    const words = ['--profile', '*', 'down', '-v', '--remove-orphans', '--timeout', '5']
    let left: string[] = []
    // After an interruption, the engine may still finish what the ended Compose has asked for.
    for (let count = 0; count < 3; count++) {
      const down = await runAlways(...this.#args(words, []), { seconds: 120, env: this.#env })
      // A volume of compose.scale.yaml is not in the files of `down`.
      const volumes = await this.#listed(['volume', 'ls'])
      if (volumes.length > 0) await runAlways('docker', ['volume', 'rm', '-f', ...volumes], {})
      left = await this.#left()
      if (left.length === 0) break
      if (down.code !== 0) left.push(down.all.slice(-1000))
    }
    rmSync(this.folder, { recursive: true, force: true })
    return left
  }

  /** What the engine has of this project. */
  async #left(): Promise<string[]> {
    const kinds = [
      ['ps', '-a'],
      ['volume', 'ls'],
      ['network', 'ls'],
    ]
    return (await Promise.all(kinds.map((kind) => this.#listed(kind)))).flat()
  }

  async #listed(kind: string[]): Promise<string[]> {
    const filter = ['--filter', `label=com.docker.compose.project=${this.project}`]
    const { out } = await runAlways('docker', [...kind, ...filter, '-q'], { seconds: 30 })
    return out.split('\n').filter(Boolean)
  }
}

/** The Collector's configuration with one more exporter: a file with all spans, which the test reads. */
function collectorWithFile(): string {
  type Config = { exporters: object; service: { pipelines: Record<string, object> } }
  const config = parse(textOf('observability/collector/config.yaml'), { merge: true }) as Config
  Object.assign(config.exporters, { 'file/test': { path: spansFile, flush_interval: '200ms' } })
  config.service.pipelines['traces/test'] = {
    receivers: ['otlp'],
    processors: ['memory_limiter', 'filter/health', 'transform/nginx'],
    exporters: ['file/test'],
  }
  return stringify(config)
}
export const spansFile = '/var/lib/otelcol/test-spans.json'
