// The real nginx with the files of nginx/, on ports and in a folder of its own.
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { freePort } from './libsql-server.ts'
import { run, start, type Started } from './programs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

export type Nginx = Started & { url: string; statusUrl: string; accessLog: () => string }

type Place = { folder: string; port: number; statusPort: number; upstream: string }

/** Puts nginx/ and the files of a page into a folder; only three of the files that differ from place to place are others. */
export function furnish({ folder, port, statusPort, upstream }: Place): string[] {
  // Started by root, its workers are nobody: they must get in.
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

/** Does what the container's entry point does with TRUSTED_PROXIES; the gateway of this machine is out of it. */
export const trust = (folder: string, env: Record<string, string>) =>
  run('sh', [`${root}nginx/container/trust.sh`], {
    env: { TRUST_FOLDER: folder, ROUTES_FOLDER: folder, ...env },
  })

/** Starts it in front of `upstream` (HOST:PORT); `prepare` may change the files of the folder `conf` before. */
export async function startNginx(
  folder: string,
  upstream: string,
  prepare?: (conf: string) => void,
): Promise<Nginx> {
  const [port, statusPort] = [await freePort(), await freePort()]
  const args = furnish({ folder, port, statusPort, upstream })
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
