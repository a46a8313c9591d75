// `docker compose config`, which needs no engine: compose.yaml as Compose reads it.
import { fileURLToPath } from 'node:url'

import { has, isOnPath, run } from './programs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

type Service = {
  image: string
  environment?: Record<string, string | null>
  ports?: { published?: string; host_ip?: string; target: number }[]
}
export type Config = { services: Record<string, Service> }

/** The words that run Compose, as plug-in or as program; undefined, and the test is skipped, when there is none. */
export function composeCommand(t: { skip: (why: string) => void }): string[] | undefined {
  if (isOnPath('docker') && run('docker', ['compose', 'version']).code === 0)
    return ['docker', 'compose']
  return has(t, 'docker-compose') ? ['docker-compose'] : undefined
}

type Ask = { words?: string[]; env?: Record<string, string> }

/** Runs `config`. COMPOSE_FILE of the caller has no effect, and neither have `.env` and the variables of this machine. */
export function config([program = '', ...first]: string[], { words = [], env = {} }: Ask) {
  const args = words.includes('--env-file') ? words : ['--env-file', '/dev/null', ...words]
  return run(program, [...first, ...args, 'config', '--format', 'json'], {
    cwd: root,
    env: { COMPOSE_FILE: 'compose.yaml', COMPOSE_PROFILES: '', ...env },
  })
}

/** The services as Compose reads them. Throws what Compose says when it refuses. */
export function configOf(command: string[], ask: Ask): Config {
  const { code, printed } = config(command, ask)
  if (code !== 0) throw new Error(printed)
  return JSON.parse(printed) as Config
}
