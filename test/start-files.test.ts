// Starts with missing data, and starts on a full disk.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import test from 'node:test'

import Database from 'libsql'

import { refusedStart, register, runTool, scratch, smallDisk, startServer } from './process.ts'

const warns = /"level":"warn","message":"[^"]*"/g

/** The warnings of a start with this file. */
async function warnings(path: string): Promise<string[]> {
  await using server = await startServer({ DATABASE_URL: `file:${path}` })
  await server.stop()
  return [...server.printed().matchAll(warns)].map(([text]) => text.slice(26, -1))
}

test('an empty file instead of a database: a new world, and a warning', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  assert.deepEqual(await warnings(path), [], 'a missing file is a first start')
  assert.deepEqual(await warnings(path), [])
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
  writeFileSync(path, '')
  assert.match(
    runTool('db-check', [], { DATABASE_URL: `file:${path}` }).printed,
    /x\.db is empty \(0 bytes\)/,
  )
  assert.deepEqual(await warnings(path), [
    `${path} is empty (0 bytes): a new database is created there`,
  ])
  const bare = `${place.folder}/bare.db`
  const db = new Database(bare)
  db.exec('PRAGMA application_id=1415008837; PRAGMA user_version=1')
  db.close()
  assert.deepEqual(await warnings(bare), [`${bare} has no tables: a new database is created there`])
})

test('only a header, or one page without tables', async () => {
  using place = scratch()
  const good = `${place.folder}/good.db`
  await warnings(good)
  const cut = `${place.folder}/cut.db`
  for (const size of [50, 100, 4096, 8192]) {
    copyFileSync(good, cut)
    truncateSync(cut, size)
    const { said, code } = await refusedStart({ DATABASE_URL: `file:${cut}` })
    assert.match(said, /is damaged .*Restore a backup/, `${size} bytes`)
    assert.equal(code, 1)
    assert.equal(statSync(cut).size, size)
  }
  const blank = `${place.folder}/blank.db`
  const db = new Database(blank)
  db.exec('PRAGMA user_version=1')
  db.close()
  assert.deepEqual(await warnings(blank), [
    `${blank} has no tables: a new database is created there`,
  ])
  const small = `${place.folder}/small.db`
  const foreign = new Database(small)
  foreign.exec('PRAGMA page_size=512; CREATE TABLE invoices (id INTEGER PRIMARY KEY)')
  foreign.close()
  assert.ok(statSync(small).size <= 4096)
  const { said } = await refusedStart({ DATABASE_URL: `file:${small}` })
  assert.match(said, /is the database of another application/)
})

for (const rest of ['empty', 'missing'] as const) {
  test(`the database is ${rest}, and its write-ahead log has data: the log is kept`, async () => {
    using place = scratch()
    const path = `${place.folder}/x.db`
    const env = { DATABASE_URL: `file:${path}` }
    await using first = await startServer(env)
    await register(first.url, 'sally')
    await first.stop('SIGKILL')
    const log = readFileSync(`${path}-wal`)
    assert.ok(log.length > 0)
    copyFileSync(path, `${place.folder}/kept`)
    if (rest === 'empty') truncateSync(path, 0)
    else rmSync(path)
    const { said, code } = await refusedStart(env)
    assert.match(said, new RegExp(`x\\.db is ${rest}.*x\\.db-wal has ${log.length} bytes`))
    assert.equal(said.split('\n').length, 1)
    assert.equal(code, 1)
    assert.ok(log.equals(readFileSync(`${path}-wal`)))
    if (rest === 'missing') {
      const seeded = runTool('seed', ['--users', '10', '--tweets', '10'], env)
      assert.match(seeded.printed, /x\.db is missing, but/)
      assert.ok(!existsSync(path))
    }
    copyFileSync(`${place.folder}/kept`, path)
    await using again = await startServer(env)
    assert.equal((await fetch(`${again.url}/@sally`)).status, 200)
  })
}

/** Fills a disk except for some bytes. */
function fill(folder: string, left: number): void {
  const { bsize, bavail } = statfsSync(folder)
  const blocks = bavail - Math.ceil(left / bsize)
  const done = spawnSync('dd', [
    'if=/dev/zero',
    `of=${folder}/ballast`,
    `bs=${bsize}`,
    `count=${blocks}`,
  ])
  assert.equal(done.status, 0, String(done.stderr))
}

test('a full disk at the start: one line with path, free bytes and bytes needed', async (t) => {
  using place = scratch()
  const folder = `${place.folder}/disk`
  using disk = smallDisk(folder, 24 * 1024)
  if (!disk) return t.skip('needs the right to mount a small disk')
  const path = `${folder}/x.db`
  const refuses = async (file: string, what: string) => {
    const { said, code } = await refusedStart({ DATABASE_URL: `file:${file}` })
    assert.equal(code, 1, what)
    assert.equal(said.split('\n').length, 1, said)
    const [, named, free, needed] =
      /^There is no space left for (\S+): (\d+) bytes are free, about (\d+) bytes are needed\. Free some/.exec(
        said,
      ) ?? assert.fail(`${what}: ${said}`)
    assert.equal(named, file)
    assert.ok(Number(free) < Number(needed), said)
  }
  await warnings(path)
  const before = readFileSync(path)
  // From no space to almost enough, so that each step of the start fails once.
  for (const left of [0, 4096, 12_288]) {
    fill(folder, left)
    const { said } = await refusedStart({ DATABASE_URL: `file:${path}`, PORT: 'none' })
    assert.match(said, /PORT/, 'a wrong setting comes first')
    await refuses(path, `an existing one, ${left} bytes left`)
    assert.ok(before.equals(readFileSync(path)), 'the file is untouched')
    rmSync(`${folder}/ballast`)
  }
  for (const left of [0, 40_960, 400_000]) {
    fill(folder, left)
    await refuses(`${folder}/new.db`, `a first one, ${left} bytes left`)
    for (const end of ['', '-wal', '-shm', '.lock.db', '.lock.db-journal'])
      rmSync(`${folder}/new.db${end}`, { force: true })
    rmSync(`${folder}/ballast`)
  }
  fill(folder, 100_000)
  const backup = runTool('db-backup', [`${folder}/copy.db`], { DATABASE_URL: `file:${path}` })
  assert.match(backup.printed, /no space left for \S+copy\.db: \d+ bytes are free/)
  assert.ok(!existsSync(`${folder}/copy.db.part`))
  rmSync(`${folder}/ballast`)
  await using server = await startServer({ DATABASE_URL: `file:${path}` })
  assert.equal((await fetch(server.url)).status, 200)
  return undefined
})

test('a complete schema is noted in the file; a part that goes missing later is found all the same', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  const noted = () => {
    const db = new Database(path)
    try {
      return (db.prepare('PRAGMA user_version').raw().all([]) as [number][])[0]![0]
    } finally {
      db.close()
    }
  }
  await warnings(path)
  const complete = noted()
  assert.notEqual(complete, 0)
  const db = new Database(path)
  db.exec('CREATE INDEX of_somebody_else ON users (created_at)')
  db.close()
  assert.deepEqual(await warnings(path), [])
  assert.notEqual(noted(), complete, 'the note is of all names that are there')
  const again = new Database(path)
  again.exec('DROP INDEX of_somebody_else; DROP TRIGGER tweets_insert')
  again.close()
  const { said } = await refusedStart({ DATABASE_URL: `file:${path}` })
  assert.match(said, /the trigger tweets_insert is missing/)
  assert.match(runTool('db-repair', [], { DATABASE_URL: `file:${path}` }).printed, /0 left/)
  assert.deepEqual(await warnings(path), [])
  assert.equal(noted(), complete)
})
