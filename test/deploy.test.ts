// The files of deploy/, each checked by its own tool: systemd, Kubernetes, and the backup off the machine.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { parseAllDocuments } from 'yaml'

import { readSettings } from '../src/config/env.ts'
import { freshServerUrl } from './libsql-server.ts'
import { post, register, runTool, scratch, startServer } from './process.ts'
import { has, run } from './programs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8')
const units = ['tracewren.service', 'tracewren-backup.service', 'tracewren-backup.timer']

test('systemd takes the units, and finds little that they may do', (t) => {
  if (!has(t, 'systemd-analyze')) return
  using place = scratch()
  for (const unit of units) {
    // Only programs and folders that exist are accepted.
    const text = read(`deploy/systemd/${unit}`)
      .replaceAll('/usr/bin/node', process.execPath)
      .replaceAll('/opt/tracewren/', root)
      .replace('WorkingDirectory=/opt/tracewren', `WorkingDirectory=${root}`)
    writeFileSync(`${place.folder}/${unit}`, text)
  }
  const files = units.map((unit) => `${place.folder}/${unit}`)
  const verified = run('systemd-analyze', ['verify', ...files])
  assert.equal(verified.code, 0, verified.printed)
  assert.doesNotMatch(verified.printed, new RegExp(place.folder), 'no warning about our files')
  for (const file of files.filter((name) => name.endsWith('.service'))) {
    const judged = run('systemd-analyze', ['security', '--offline=true', '--threshold=20', file])
    assert.equal(judged.code, 0, judged.printed)
  }
  writeFileSync(files[0]!, `${readFileSync(files[0]!, 'utf8')}\n[Service]\nRestart=perhaps\n`)
  assert.match(run('systemd-analyze', ['verify', files[0]!]).printed, /perhaps/, 'it would tell')
})

test('the unit gives a stop as long as the app takes, and names files that are there', () => {
  const unit = read('deploy/systemd/tracewren.service')
  const stopMs = Number(/const stopMs = ([\d_]+)/.exec(read('src/server.ts'))![1]!.replace('_', ''))
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) * 1000 > stopMs)
  for (const name of units)
    for (const [, path] of read(`deploy/systemd/${name}`).matchAll(/\/opt\/tracewren\/(\S+)/g))
      assert.ok(existsSync(`${root}${path}`), path)
})

type Part = { kind: string; spec: Record<string, unknown>; data?: Record<string, string> }
const manifests = ['one-replica', 'several-replicas']
const partsOf = (name: string) =>
  parseAllDocuments(read(`deploy/kubernetes/${name}.yaml`)).map((one) => one.toJS() as Part)

test('Kubernetes takes the manifests', (t) => {
  if (!has(t, 'kubernetes-validate')) return
  using place = scratch()
  for (const name of manifests) {
    const { code, printed } = run('kubernetes-validate', [
      '--strict',
      `${root}deploy/kubernetes/${name}.yaml`,
    ])
    assert.equal(code, 0, printed)
  }
  const bad = read('deploy/kubernetes/one-replica.yaml').replace('replicas: 1', 'replica: 1')
  writeFileSync(`${place.folder}/bad.yaml`, bad)
  assert.notEqual(run('kubernetes-validate', ['--strict', `${place.folder}/bad.yaml`]).code, 0)
})

test('the manifests have settings that can be read, this version, and one pod on a file', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  for (const name of manifests) {
    const parts = partsOf(name)
    const settings = readSettings(parts.find(({ kind }) => kind === 'ConfigMap')!.data!)
    const { spec } = parts.find(({ kind }) => kind === 'Deployment')!
    const isOnFile = settings.DATABASE_URL.startsWith('file:')
    assert.equal(spec['replicas'] === 1, isOnFile)
    assert.equal(JSON.stringify(spec['strategy']) === '{"type":"Recreate"}', isOnFile)
    assert.equal(settings.inspect, false)
    assert.match(JSON.stringify(spec), new RegExp(`/tracewren:${version}"`))
    const text = JSON.stringify(spec)
    for (const path of ['/livez', '/readyz']) assert.ok(text.includes(path))
    // The stop of the app, and the five seconds before it.
    assert.match(text, /"terminationGracePeriodSeconds":(2[5-9]|[3-9]\d)/)
  }
})

test('three replicas start at once on an empty libSQL server, and share their sessions', async () => {
  for (const DEMO of ['0', '1']) {
    using place = scratch()
    const server = await freshServerUrl(place.folder)
    try {
      const env = { DATABASE_URL: server.url, LOG_LEVEL: 'silent', INSPECT: '0', DEMO }
      const starts = await Promise.allSettled([1, 2, 3].map(() => startServer(env)))
      const replicas = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      try {
        assert.deepEqual(
          starts.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : [])),
          [],
        )
        const signedUp = await post(`${replicas[0]!.url}/register`, {
          name: 'shared',
          mailaddress: 'shared@example.org',
          password: 'a wren on a wire, twice',
        })
        const cookie = signedUp?.headers.getSetCookie()[0]?.split(';')[0] ?? ''
        for (const { url } of replicas) {
          const headers = { Cookie: cookie }
          const page = await fetch(`${url}/timeline`, { headers, redirect: 'manual' })
          assert.equal(page.status, 200)
        }
      } finally {
        await Promise.all(replicas.map((one) => one[Symbol.asyncDispose]()))
      }
    } finally {
      await server.stop()
    }
  }
})

/** An instance with one tweet, and a run of deploy/backup.sh beside it. */
async function instance(folder: string) {
  for (const name of ['data', 'cache', 'off']) mkdirSync(`${folder}/${name}`)
  const env = { DATABASE_URL: `file:${folder}/data/town.db`, LOG_LEVEL: 'silent' }
  const server = await startServer(env)
  const cookie = await register(server.url, 'keeper')
  const tweet = (msg: string) => post(`${server.url}/tweet`, { msg }, cookie)
  const backUp = (more: Record<string, string>) =>
    run('sh', [`${root}deploy/backup.sh`], {
      env: {
        ...env,
        NODE: process.execPath,
        CACHE_DIRECTORY: `${folder}/cache`,
        HOME: folder,
        ...more,
      },
    })
  /** Restores a backup into a new instance; returns the page of the person. */
  const restored = async (backup: string) => {
    const other = { ...env, DATABASE_URL: `file:${folder}/restored-${Date.now()}.db` }
    const done = runTool('db-restore', [backup], other)
    assert.equal(done.code, 0, done.printed)
    assert.equal(runTool('db-check', [], other).code, 0)
    await using again = await startServer(other)
    return (await fetch(`${again.url}/@keeper`)).text()
  }
  return { server, tweet, backUp, restored }
}

test('a backup with restic is off the machine, encrypted, and can be restored', async (t) => {
  if (!has(t, 'restic')) return
  using place = scratch()
  const { folder } = place
  const { server, tweet, backUp, restored } = await instance(folder)
  await using _server = server
  const restic = { RESTIC_REPOSITORY: `${folder}/off/repo`, RESTIC_PASSWORD_FILE: `${folder}/word` }
  writeFileSync(restic.RESTIC_PASSWORD_FILE, 'a long password\n')
  const none = backUp(restic)
  assert.notEqual(none.code, 0, 'without a repository it fails, and the timer shows it')
  const copies = () => readdirSync(`${folder}/cache`).filter((name) => name !== 'restic')
  assert.deepEqual(copies(), [])
  assert.equal(run('restic', ['init'], { env: restic }).code, 0)
  for (const msg of ['before the first backup', 'before the second backup']) {
    assert.ok((await tweet(msg))?.ok)
    const { code, printed } = backUp(restic)
    assert.equal(code, 0, printed)
    assert.deepEqual(copies(), [])
  }
  const words = ['restore', 'latest', '--tag', 'tracewren', '--target', `${folder}/back`]
  const done = run('restic', words, { env: restic })
  assert.equal(done.code, 0, done.printed)
  const page = await restored(`${folder}/back${folder}/cache/tracewren.db`)
  assert.ok(page.includes('before the first backup') && page.includes('before the second backup'))
})

test('a backup with rclone keeps copies of some days, and deletes nothing when it fails', async (t) => {
  if (!has(t, 'rclone')) return
  using place = scratch()
  const { folder } = place
  const { server, tweet, backUp, restored } = await instance(folder)
  await using _server = server
  const old = `${folder}/off/tracewren-20200101T000000Z.db`
  for (const name of [old, `${folder}/off/other.db`]) {
    writeFileSync(name, 'old')
    utimesSync(name, 1e9, 1e9)
  }
  const rclone = { RCLONE_TARGET: `${folder}/off` }
  const failed = backUp({ ...rclone, DATABASE_URL: `file:${folder}/data/no.db` })
  assert.equal(failed.code, 1)
  assert.match(failed.printed, /There is no database at/)
  assert.ok(existsSync(old))
  assert.ok((await tweet('before the backup'))?.ok)
  writeFileSync(`${folder}/cache/tracewren.db`, 'left by a killed run')
  const { code, printed } = backUp(rclone)
  assert.equal(code, 0, printed)
  const [copy, other, ...more] = readdirSync(`${folder}/off`).toSorted().toReversed()
  assert.deepEqual([other, ...more], ['other.db'], 'the old copy is gone, and nothing else')
  assert.ok((await restored(`${folder}/off/${copy}`)).includes('before the backup'))
  const lost = backUp({})
  assert.equal(lost.code, 2)
  assert.match(lost.printed, /Set RESTIC_REPOSITORY or RCLONE_TARGET/)
})
