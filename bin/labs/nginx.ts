// The nginx of lab 8: the files of nginx/, on this machine only, and once with the header of the trace taken away.
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { LabError } from './app.ts'

const shipped = fileURLToPath(new URL('../../nginx/', import.meta.url))
const brokenLine = 'proxy_set_header traceparent "";'

type Options = { appUrl: string; port: number; broken: boolean; say: (line: string) => void }

/** Runs nginx until Ctrl+C; returns its exit code. Throws a LabError when there is no nginx, or the port is taken. */
export async function runNginx({ appUrl, port, broken, say }: Options): Promise<number> {
  if (spawnSync('nginx', ['-v']).error)
    throw new LabError(
      [
        'nginx is not on PATH. Lab 8 needs it; the other labs do not. To get it:',
        '  Debian, Ubuntu: sudo apt install nginx-light    (and sudo systemctl stop nginx)',
        '  Fedora:         sudo dnf install nginx',
        '  Alpine:         sudo apk add nginx',
        '  macOS:          brew install nginx',
        'It is there, in /usr/sbin? Then: PATH=$PATH:/usr/sbin npm run lab -- 8 --nginx',
      ].join('\n'),
    )
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-nginx-'))
  // If root starts it, its workers run as nobody: they must be able to read the folder.
  chmodSync(folder, 0o755)
  try {
    await prepare(folder, { appUrl, port, broken })
    const nginx = spawn(
      'nginx',
      ['-p', `${folder}/`, '-c', 'conf/nginx.conf', '-e', 'stderr', '-g', 'daemon off;'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let said = ''
    nginx.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-2000)))
    const ended = new Promise<number>((done) =>
      nginx.once('exit', (code, signal) => done(signal === null ? (code ?? 1) : 0)),
    )
    const stop = () => void nginx.kill('SIGTERM')
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
    say(`nginx listens on http://127.0.0.1:${port} and passes requests on to ${appUrl}.`)
    say(`Its files are in ${folder}/conf. Ctrl+C ends it.`)
    const code = await ended
    if (code !== 0) throw new LabError(`nginx did not start:\n${said.trim()}`)
    return code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function prepare(folder: string, { appUrl, port, broken }: Omit<Options, 'say'>) {
  await refuseTaken(port)
  for (const inner of ['log/nginx', 'run', 'cache/nginx', 'www/tracewren', 'conf'])
    mkdirSync(join(folder, inner), { recursive: true })
  const conf = join(folder, 'conf')
  for (const file of readdirSync(shipped).filter((name) => name.endsWith('.conf')))
    cpSync(join(shipped, file), join(conf, file))
  const { hostname, port: appPort } = new URL(appUrl)
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname
  writeFileSync(join(conf, 'listen.conf'), `listen 127.0.0.1:${port} default_server;\n`)
  // Nobody reads nginx's own numbers here: a socket in the folder takes no port.
  writeFileSync(join(conf, 'status.conf'), `listen unix:${folder}/run/status.sock;\n`)
  writeFileSync(join(conf, 'upstream.conf'), `server ${host}:${appPort || 80};\n`)
  // A small nginx is enough, and one of an ordinary user.
  const main = readFileSync(join(conf, 'nginx.conf'), 'utf8')
  writeFileSync(
    join(conf, 'nginx.conf'),
    main.replace('worker_processes auto;', 'worker_processes 1;').replace('4096', '256'),
  )
  if (!broken) return
  const tracing = readFileSync(join(conf, 'tracing.conf'), 'utf8')
  writeFileSync(
    join(conf, 'tracing.conf'),
    tracing.replace('proxy_set_header traceparent $kept_traceparent;', brokenLine),
  )
}

/** nginx would say it, too, but only after having begun. */
function refuseTaken(port: number): Promise<void> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', () =>
      fail(
        new LabError(
          `Port ${port} is taken. End the other nginx with Ctrl+C, or name another port: --nginx-port 5081`,
        ),
      ),
    )
    server.listen(port, '127.0.0.1', () => server.close(() => done()))
  })
}
