// Runs the real nginx with the files of nginx/, on free ports and in a temporary folder.
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { run, start, type Started } from './programs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

export type Nginx = Started & { url: string; statusUrl: string; accessLog: () => string }

type Place = { folder: string; port: number; statusPort: number; upstream: string }

/** Copies nginx/ and the static files into a folder; replaces only three files that depend on the machine. */
export function prepareNginx({ folder, port, statusPort, upstream }: Place): string[] {
  // If root starts it, its workers run as nobody: they must be able to read the folder.
  chmodSync(folder, 0o755)
  for (const inner of ['log/nginx', 'run', 'cache/nginx', 'www/tracewren', 'conf'])
    mkdirSync(`${folder}/${inner}`, { recursive: true })
  for (const file of readdirSync(`${root}nginx`).filter((name) => name.endsWith('.conf')))
    cpSync(`${root}nginx/${file}`, `${folder}/conf/${file}`)
  writeFileSync(`${folder}/conf/listen.conf`, `listen 127.0.0.1:${port} default_server;`)
  writeFileSync(`${folder}/conf/status.conf`, `listen 127.0.0.1:${statusPort};`)
  writeFileSync(`${folder}/conf/upstream.conf`, `server ${upstream};`)
  return ['-p', `${folder}/`, '-c', 'conf/nginx.conf', '-e', 'stderr']
}

/** Writes the trusted proxies as the container's entry point does, without the gateway of this machine. */
export const trust = (folder: string, env: Record<string, string>) =>
  run('sh', [`${root}nginx/container/trust.sh`], {
    env: { TRUST_FOLDER: folder, ROUTES_FOLDER: folder, ...env },
  })

/** Starts nginx in front of `upstream` (HOST:PORT); `prepare` may change the files in the folder `conf` before. */
export async function startNginx(
  folder: string,
  upstream: string,
  prepare?: (conf: string) => void,
): Promise<Nginx> {
  const [port, statusPort] = [await freePort(), await freePort()]
  const args = prepareNginx({ folder, port, statusPort, upstream })
  prepare?.(`${folder}/conf`)
  const files = run('node', ['dist/static.js', `${folder}/www/tracewren`], { cwd: root })
  if (files.code !== 0) throw new Error(files.printed)
  const statusUrl = `http://127.0.0.1:${statusPort}`
  const nginx = await start(
    'nginx',
    { args: [...args, '-g', 'daemon off;'] },
    `${statusUrl}/nginx_status`,
  )
  return {
    ...nginx,
    url: `http://127.0.0.1:${port}`,
    statusUrl,
    accessLog: () => readFileSync(`${folder}/log/nginx/access.log`, 'utf8'),
  }
}
