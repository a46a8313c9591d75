// db:backup and db:restore where the target cannot be written: the message names it, and nothing stays beside it.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import { runTool, scratch, smallDisk, startServer } from './process.ts'

/** An instance that has stopped; returns its settings. */
async function stopped(folder: string) {
  mkdirSync(`${folder}/data`)
  const env = { DATABASE_URL: `file:${folder}/data/town.db`, LOG_LEVEL: 'silent' }
  await using server = await startServer(env)
  await server.stop()
  return env
}

test('a folder that is missing or is a file, and a name that is too long', async () => {
  using place = scratch()
  const env = await stopped(place.folder)
  const refused = (file: string) => {
    const { code, printed } = runTool('db-backup', [`${place.folder}/${file}`], env)
    assert.equal(code, 1, printed)
    assert.equal(printed.trim().split('\n').length, 1, printed)
    assert.doesNotMatch(printed, /town\.db cannot be written/)
    return printed
  }
  assert.match(refused('no/where/b.db'), /b\.db cannot be written: \S+where does not exist: make/)
  writeFileSync(`${place.folder}/file`, '')
  assert.match(refused('file/b.db'), /file is not a folder/)
  assert.match(refused('file/x/b.db'), /b\.db cannot be written: \S+ is not in a folder/)
  assert.match(refused('b'.repeat(250)), /its name is too long/)
  assert.deepEqual(readdirSync(place.folder).sort(), ['data', 'file'])

  const backup = `${place.folder}/b.db`
  assert.equal(runTool('db-backup', [backup], env).code, 0)
  const elsewhere = { ...env, DATABASE_URL: `file:${place.folder}/no/town.db` }
  const restored = runTool('db-restore', [backup], elsewhere)
  assert.equal(restored.code, 1)
  assert.match(restored.printed, /town\.db cannot be written: \S+no does not exist/)
})

test('a full disk, at once and half-way: the target is named, and nothing stays', async (t) => {
  using place = scratch()
  const env = await stopped(place.folder)
  for (const kilobytes of [100, 600, 1200]) {
    using disk = smallDisk(`${place.folder}/small${kilobytes}`, kilobytes)
    if (!disk) return t.skip('This user may not mount a small disk.')
    const folder = `${place.folder}/small${kilobytes}`
    const { code, printed } = runTool('db-backup', [`${folder}/b.db`], env)
    assert.equal(code, 1, printed)
    assert.match(printed, /^There is no space left for \S+\/b\.db: \d+ bytes are free/)
    assert.deepEqual(readdirSync(folder), [])
  }
})

test('what a killed backup has left is not played back into the next one', async () => {
  using place = scratch()
  const env = await stopped(place.folder)
  const copy = `${place.folder}/b.db`
  for (const end of ['', '-journal', '-wal', '-shm']) writeFileSync(`${copy}.part${end}`, 'left')
  const { code, printed } = runTool('db-backup', [copy], env)
  assert.equal(code, 0, printed)
  assert.deepEqual(readdirSync(place.folder).sort(), ['b.db', 'data'])
  assert.equal(runTool('db-check', [], { ...env, DATABASE_URL: `file:${copy}` }).code, 0)
})
