// Starts the components of compose.yaml as programs on loopback, with the same configuration files. Only ports and folders
// differ; they are passed through environment variables and through nginx's small included files.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Programs } from './programs.ts'

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
  'access',
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

/**
 * Writes the parts of contrib.yaml that a Collector without the contrib distribution can run: the metrics of the host,
 * through the receiver's old id, and the transform of the access log, whose lines arrive by OTLP instead of from the file.
 */
function writeReducedContrib(file: string): void {
  const contrib = readFileSync('observability/collector/contrib.yaml', 'utf8')
  const transform = /^  transform\/nginx_access:\n(?: {4}.*\n|\n)+/m.exec(contrib)?.[0]
  if (transform === undefined)
    throw new Error('contrib.yaml has no processor transform/nginx_access.')
  const yaml = `receivers:
  hostmetrics:
    collection_interval: 5s
    scrapers: { cpu: {}, memory: {} }
  otlp/access:
    protocols: { http: { endpoint: "127.0.0.1:${ports.access}" } }
processors:
${transform}
service:
  pipelines:
    metrics:
      receivers: [otlp, span_metrics, hostmetrics]
    logs/nginx_access:
      receivers: [otlp/access]
      processors: [memory_limiter, transform/nginx_access]
      exporters: [otlp_http/loki]
`
  writeFileSync(file, yaml)
}

/** Starts the Collector with the shipped config.yaml. */
export async function startCollector(
  programs: Programs,
  folder: string,
  tempoUrl: string,
): Promise<void> {
  const contrib = join(folder, 'contrib.yaml')
  writeReducedContrib(contrib)
  await programs.start({
    name: 'otelcol',
    args: ['--config=observability/collector/config.yaml', `--config=${contrib}`],
    env: {
      ...listen,
      HEALTH_PORT: String(ports.health),
      GRPC_PORT: String(ports.otlpGrpc),
      HTTP_PORT: String(ports.otlpHttp),
      LOKI_URL: at('loki'),
      MIMIR_URL: at('mimir'),
      TEMPO_URL: tempoUrl,
      METRICS_FLUSH: '5s',
      SAMPLING_WAIT: '3s',
    },
    ready: at('health'),
  })
}

export async function startApp(programs: Programs, folder: string): Promise<void> {
  await programs.start({
    name: 'app',
    program: process.execPath,
    args: ['dist/server.js'],
    env: {
      PORT: String(ports.app),
      DEMO: '1',
      DATABASE_URL: `file:${join(folder, 'app.db')}`,
      PASSWORD_COST: '4',
      // A low search limit and an invalid variable cause refusals and a warning, so that their panels have data.
      LIMIT_SEARCH: '60/60',
      OTEL_PROPAGATORS: 'tracecontext,baggage,nonsense',
      OTEL_EXPORTER_OTLP_ENDPOINT: at('otlpHttp'),
      OTEL_RESOURCE_ATTRIBUTES:
        'service.name=twitter-app,service.namespace=twitter,deployment.environment.name=test',
      OTEL_METRIC_EXPORT_INTERVAL: '5000',
      OTEL_METRIC_EXPORT_TIMEOUT: '3000',
      OTEL_BSP_SCHEDULE_DELAY: '1000',
    },
    ready: `${at('app')}/readyz`,
  })
}

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
