// Starts the components of compose.yaml as programs on loopback, with the same configuration files. Only ports and folders
// differ; they are passed through environment variables and through nginx's small included files.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { parse } from 'yaml'

import { onPath, type Programs } from './programs.ts'

const first = Number(process.env['TELEMETRY_TEST_PORT'] ?? 15_400)
const portNames = [
  'app',
  'nginx',
  'status',
  'otlpHttp',
  'otlpGrpc',
  'health',
  'loki',
  'lokiGrpc',
  'mimir',
  'mimirGrpc',
  'gossip',
  'tempo',
  'tempoOtlp',
  'tempoGrpc',
  'tempoOtlpGrpc',
  'grafana',
  'locust',
] as const
export const ports = Object.fromEntries(
  portNames.map((name, index) => [name, first + index]),
) as Record<(typeof portNames)[number], number>

export const at = (name: keyof typeof ports): string => `http://127.0.0.1:${ports[name]}`

const listen = { LISTEN: '127.0.0.1' }

export async function startLoki(programs: Programs, folder: string): Promise<void> {
  await programs.start({
    name: 'loki',
    args: ['-config.file=observability/loki/loki.yaml', '-config.expand-env=true'],
    env: {
      ...listen,
      LOKI_PORT: String(ports.loki),
      LOKI_GRPC_PORT: String(ports.lokiGrpc),
      LOKI_DATA: join(folder, 'loki'),
    },
    ready: `${at('loki')}/ready`,
  })
}

export async function startMimir(programs: Programs, folder: string): Promise<void> {
  mkdirSync(join(folder, 'mimir'), { recursive: true })
  await programs.start({
    name: 'mimir',
    args: ['-config.file=observability/mimir/mimir.yaml', '-config.expand-env=true'],
    env: {
      ...listen,
      MIMIR_PORT: String(ports.mimir),
      MIMIR_GRPC_PORT: String(ports.mimirGrpc),
      MIMIR_GOSSIP_PORT: String(ports.gossip),
      MIMIR_DATA: join(folder, 'mimir'),
      MIMIR_RULES: 'observability/mimir/rules',
    },
    ready: `${at('mimir')}/ready`,
  })
}

/** The files in observability/ with recording rules or alerts. */
const ruleFiles = (): string[] =>
  readdirSync('observability', { recursive: true, encoding: 'utf8' })
    .map((file) => resolve('observability', file))
    .filter((file) => /\.ya?ml$/.test(file) && /^groups:/m.test(readFileSync(file, 'utf8')))

/**
 * Starts Prometheus in place of Mimir: under Mimir's path, with the labels of mimir.yaml, and with our rules. The Collector
 * sends by OTLP in both cases.
 */
export async function startPrometheus(programs: Programs, folder: string): Promise<void> {
  const { limits } = parse(readFileSync('observability/mimir/mimir.yaml', 'utf8')) as {
    limits: Record<string, string>
  }
  const config = {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    otlp: {
      promote_resource_attributes: limits['promote_otel_resource_attributes']!.split(','),
    },
    storage: {
      tsdb: { out_of_order_time_window: limits['out_of_order_time_window'] },
      exemplars: { max_exemplars: limits['max_global_exemplars_per_user'] },
    },
    rule_files: ruleFiles(),
  }
  const file = join(folder, 'prometheus.yml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config))
  await programs.start({
    name: 'prometheus',
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${ports.mimir}`,
      `--web.external-url=${at('mimir')}/prometheus`,
      '--web.enable-otlp-receiver',
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    ready: `${at('mimir')}/prometheus/-/ready`,
  })
}

/** Tempo's file has no variables, so the ports and the folder of this run are replaced in its text. */
export async function startTempo(programs: Programs, folder: string): Promise<void> {
  const ours = readFileSync('observability/tempo/tempo.yaml', 'utf8')
    .replace('http_listen_port: 3200', `http_listen_port: ${ports.tempo}`)
    .replace('server:', `server:\n  grpc_listen_port: ${ports.tempoGrpc}`)
    .replace('0.0.0.0:4417', `127.0.0.1:${ports.tempoOtlpGrpc}`)
    .replace('0.0.0.0:4418', `127.0.0.1:${ports.tempoOtlp}`)
    .replaceAll('/var/tempo', join(folder, 'tempo'))
  writeFileSync(join(folder, 'tempo.yaml'), ours)
  await programs.start({
    name: 'tempo',
    args: ['-target=all', `-config.file=${join(folder, 'tempo.yaml')}`],
    ready: `${at('tempo')}/ready`,
  })
}

export async function startApp(programs: Programs, folder: string): Promise<void> {
  const database = join(folder, 'app.db')
  // Where the socket of `npm run user` belongs there is a folder: the app logs a warning with an exception.
  mkdirSync(`${database}.sock`)
  await programs.start({
    name: 'app',
    program: process.execPath,
    args: ['dist/server.js'],
    env: {
      PORT: String(ports.app),
      DEMO: '1',
      LINK_PREVIEWS: '1',
      DATABASE_URL: `file:${database}`,
      PASSWORD_COST: '4',
      // A low search limit and an invalid variable cause refusals and a warning, so that their panels have data.
      LIMIT_SEARCH: '60/60',
      OTEL_PROPAGATORS: 'tracecontext,baggage,nonsense',
      OTEL_EXPORTER_OTLP_ENDPOINT: at('otlpHttp'),
      OTEL_RESOURCE_ATTRIBUTES:
        'service.name=twitter-app,service.namespace=twitter,deployment.environment.name=test',
      // As in compose.yaml.
      OTEL_METRIC_EXPORT_INTERVAL: '15000',
      OTEL_METRIC_EXPORT_TIMEOUT: '10000',
      OTEL_BSP_SCHEDULE_DELAY: '1000',
    },
    ready: `${at('app')}/readyz`,
  })
}

/** The environment of the Collector: ports, folders and the backends. */
export const collectorEnvironment = (
  folder: string,
  backends: { metrics: string; logs: string; traces: string },
): Record<string, string> => ({
  ...listen,
  HEALTH_PORT: String(ports.health),
  GRPC_PORT: String(ports.otlpGrpc),
  HTTP_PORT: String(ports.otlpHttp),
  MIMIR_URL: backends.metrics,
  LOKI_URL: backends.logs,
  TEMPO_URL: backends.traces,
  SAMPLING_WAIT: '3s',
  NGINX_LOGS: join(folder, 'nginx/log/nginx'),
  NGINX_STATUS_URL: `${at('status')}/nginx_status`,
  COLLECTOR_DATA: folder,
})

/** Starts nginx with our files. Returns the path of its access log. */
export async function startNginx(programs: Programs, folder: string): Promise<string> {
  const prefix = join(folder, 'nginx')
  const conf = join(prefix, 'conf')
  for (const path of ['log/nginx', 'run', 'cache/nginx', 'www/tracewren'])
    mkdirSync(join(prefix, path), { recursive: true })
  cpSync('nginx', conf, { recursive: true, filter: (path) => !path.includes('container') })
  writeFileSync(join(conf, 'listen.conf'), `listen 127.0.0.1:${ports.nginx} default_server;\n`)
  writeFileSync(join(conf, 'status.conf'), `listen 127.0.0.1:${ports.status};\n`)
  writeFileSync(join(conf, 'upstream.conf'), `server 127.0.0.1:${ports.app};\n`)
  await programs.start({
    name: 'nginx',
    args: ['-p', `${prefix}/`, '-c', join(conf, 'nginx.conf'), '-g', 'daemon off;'],
    ready: `${at('status')}/nginx_status`,
  })
  return join(prefix, 'log/nginx/access.log')
}

/** Starts Locust as compose.yaml does: its readers start by themselves. */
export async function startReaders(programs: Programs): Promise<void> {
  const words = `--locustfile loadtest/locust/locustfile.py --host ${at('nginx')} --class-picker --otel --web-host 127.0.0.1`
  await programs.start({
    name: 'readers',
    program: onPath('locust')!,
    args: [...words.split(' '), '--web-port', String(ports.locust)],
    env: {
      LOAD_USERS: '5',
      SHAPE: 'pick',
      OTEL_SERVICE_NAME: 'locust',
      OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
      OTEL_METRIC_EXPORT_INTERVAL: '15000',
      OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=twitter,deployment.environment.name=test',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_ENDPOINT: at('otlpHttp'),
    },
    ready: at('locust'),
  })
}

/** Starts Grafana with our provisioning; only the addresses and the folder of the dashboards are those of this run. */
export async function startGrafana(programs: Programs, folder: string): Promise<void> {
  const provisioning = join(folder, 'provisioning')
  cpSync('observability/grafana/provisioning', provisioning, { recursive: true })
  const addresses = { 'http://mimir:8080': 'mimir', 'http://loki:3100': 'loki' } as const
  for (const file of readdirSync(provisioning, { recursive: true, encoding: 'utf8' })) {
    if (!/\.ya?ml$/.test(file)) continue
    let text = readFileSync(join(provisioning, file), 'utf8')
      .replaceAll('http://tempo:3200', at('tempo'))
      .replaceAll('/var/lib/dashboards', resolve('observability/grafana/dashboards'))
    for (const [address, name] of Object.entries(addresses))
      text = text.replaceAll(address, at(name))
    writeFileSync(join(provisioning, file), text)
  }
  const program = realpathSync(onPath('grafana')!)
  const home = resolve(dirname(program), '..')
  await programs.start({
    name: 'grafana',
    program,
    args: [
      'server',
      `--homepath=${existsSync(join(home, 'conf/defaults.ini')) ? home : '/usr/share/grafana'}`,
    ],
    env: {
      GF_SERVER_HTTP_ADDR: '127.0.0.1',
      GF_SERVER_HTTP_PORT: String(ports.grafana),
      GF_PATHS_DATA: join(folder, 'grafana'),
      GF_PATHS_LOGS: join(folder, 'grafana'),
      GF_PATHS_PROVISIONING: provisioning,
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
    },
    ready: `${at('grafana')}/api/health`,
  })
}
