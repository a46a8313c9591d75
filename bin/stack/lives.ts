// Stop, restart, down and up, a backup, the app alone, the override for development.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { proveLikeKept, until } from './checks.ts'
import { root, type Stack } from './stack.ts'

/** `up --wait`; returns the seconds until everything was healthy. */
export async function up(stack: Stack, words: string[] = [], files: string[] = []) {
  const from = performance.now()
  await stack.must(['up', '-d', '--wait', '--no-build', ...words], { files, seconds: 240 })
  return (performance.now() - from) / 1000
}

/** A backup of the running app. */
export async function proveBackup(stack: Stack): Promise<void> {
  await stack.exec('app', 'node', 'dist/db-backup.js', '/data/backup.db')
  const script = "console.log(require('fs').statSync('/data/backup.db').size)"
  const size = await stack.exec('app', 'node', '-e', script)
  assert.ok(Number(size) > 100_000, `the backup has ${size.trim()} bytes`)
}

export async function proveRestart(stack: Stack): Promise<void> {
  await stack.must(['restart', 'app', 'nginx'])
  await up(stack)
  await proveLikeKept(stack, 'HTTP')
}

/** Every container ends by itself within its grace: exit code 137 would mean that it was killed. */
export async function proveStop(stack: Stack): Promise<string> {
  const from = performance.now()
  await stack.must(['stop'])
  const seconds = (performance.now() - from) / 1000
  for (const [name, { State }] of await stack.containers()) {
    assert.equal(State.Running, false, name)
    assert.notEqual(State.ExitCode, 137, `${name} ended within its grace`)
  }
  return `${seconds.toFixed(1)} s`
}

/** After `down`, the app alone: nothing else starts, and the data is there. */
export async function proveAlone(stack: Stack): Promise<number> {
  await stack.must(['down'])
  assert.equal((await stack.containers()).size, 0, '`down` removes every container')
  const seconds = await up(stack, ['app'])
  assert.deepEqual([...(await stack.containers()).keys()], ['app'])
  await proveLikeKept(stack, 'APP')
  return seconds
}

/** With compose.dev.yaml, a changed file restarts the app. */
export async function proveDev(stack: Stack): Promise<number> {
  const { copy, file } = stack.copyFor('app', 'src')
  const files = [join(root, 'compose.dev.yaml'), file]
  await stack.must(['build', 'app'], { files, seconds: 300 })
  await up(stack, ['app'], files)
  const titleOf = async () => (await fetch(stack.at('APP'))).text()
  assert.match(await titleOf(), /<title>[^<]*Tracewren/)
  const path = join(copy, 'config/env.ts')
  const source = readFileSync(path, 'utf8')
  assert.ok(source.includes("'Tracewren')"), 'src/config/env.ts has the default of SITE_NAME')
  const from = performance.now()
  writeFileSync(path, source.replace("'Tracewren')", "'Changed')"))
  await until(60, async () => assert.match(await titleOf(), /<title>[^<]*Changed/))
  return (performance.now() - from) / 1000
}
