import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import { applicationId, refuseLeftovers } from '../db/database-file.ts'
import { lockFile } from '../db/file-lock.ts'
import { FileClient } from '../db/libsql-file.ts'
import { migrate } from '../db/migrate.ts'
import { openBulk, writeWorld } from '../seed/load.ts'
import type { Plan } from '../seed/plan.ts'
import { takeSearch, writeSearch } from '../seed/search.ts'
import { copyWhole, databasePath, main, say } from './command.ts'
import { Progress } from './progress.ts'
import { planOf } from './seed-arguments.ts'

const help = `npm run seed -- --users N --tweets M [--follows K] [--likes L] [--seed S] [--until DATE]

Makes the database of DATABASE_URL, which must not exist yet: a large world of power laws, the same for the same words.

  --follows K    how many follows in all     50 for each user
  --likes L      how many likes in all       1 for each tweet
  --seed S       another world of this size  1
  --until DATE   when its last tweet was     now

Everybody is user0001@example.com, user0002@example.com ... with the password password123.`

if (isMainThread) await main({ help, run: (words, settings) => seed(words, settings) })
else await writeSearch(workerData as Search, (tweets) => parentPort!.postMessage(tweets))

type Search = Parameters<typeof writeSearch>[0]

async function seed(words: string[], settings: Settings): Promise<number> {
  const plan = planOf(words, Date.now())
  const path = databasePath(settings)
  mkdirSync(dirname(path), { recursive: true })
  refuseOver(path)
  const lock = await lockFile(path, settings.LOCK_WAIT_MS)
  const started = performance.now()
  const part = `${path}.part`
  const stop = new AbortController()
  const interrupt = () => stop.abort(new StartError('Stopped: nothing is left of it.'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    refuseOver(path) // again: who held the lock may have made one
    const likes = await build(part, plan, stop.signal)
    renameSync(part, path) // only a whole world ever has the name that was asked for
    const seconds = (performance.now() - started) / 1000
    say(
      `${path}: ${counted(plan.users)} users, ${counted(plan.tweets)} tweets, ${counted(plan.follows)} follows and ` +
        `${counted(likes)} likes in ${seconds.toFixed(1)} s (${counted(Math.round(plan.tweets / seconds))} tweets/s).`,
    )
    return 0
  } finally {
    discard(part)
    lock.release()
  }
}

function counted(count: number): string {
  return count.toLocaleString('en')
}

function refuseOver(path: string): void {
  if (existsSync(path))
    throw new StartError(
      `${path} exists already. Name another file in DATABASE_URL, or move it away.`,
    )
  refuseLeftovers(path)
}

function searchOf(part: string): string {
  return `${part}-search`
}

function emptyOf(part: string): string {
  return `${part}-empty`
}

/** What this or an earlier, killed attempt has left. */
function discard(part: string): void {
  for (const file of [part, searchOf(part), emptyOf(part)])
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(file + end, { force: true })
}

async function build(part: string, plan: Plan, signal: AbortSignal): Promise<number> {
  discard(part)
  const create = await prepare(part)
  const progress = new Progress(plan.tweets, 'tweets')
  // The rows and the search index are half of the work each.
  const report = (tweets: number) => progress.add(tweets / 2)
  const search = inThread({ path: searchOf(part), create, plan }, report, signal)
  search.catch(() => undefined) // is looked at when the rest is done
  try {
    const { db, finish } = openBulk(part)
    const steps = { step: (name: string) => progress.step(name), tweets: report }
    const likes = await writeWorld({ db, plan, signal }, steps)
    progress.step('indexes')
    finish()
    await search
    progress.step('search index')
    takeSearch(db, searchOf(part))
    db.close()
    settle(part)
    return likes
  } finally {
    progress.end()
    await search.catch(() => undefined) // its file is only free when it has ended
  }
}

/** A migrated, empty database; gives the statement that makes its search index. */
async function prepare(part: string): Promise<string> {
  const empty = emptyOf(part)
  const client = new FileClient(empty, { synchronous: 'normal', writeWaitMs: 0, writeQueue: 1 })
  await client.executeMultiple(`PRAGMA application_id=${applicationId}`)
  await migrate(client)
  const { rows } = await client.execute(
    "SELECT sql FROM sqlite_master WHERE name = 'tweets_search'",
  )
  client.close()
  copyWhole(empty, part) // its statements hold the file until they are collected: nothing holds the copy
  return String(rows[0]![0])
}

/** Runs this very file as a thread, for the search index. */
function inThread(search: Search, report: (tweets: number) => void, signal: AbortSignal) {
  const worker = new Worker(new URL(import.meta.url), { workerData: search })
  signal.addEventListener('abort', () => void worker.terminate())
  return new Promise<void>((resolve, reject) => {
    worker.on('message', report)
    worker.on('error', reject)
    worker.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`The search index ended with ${code}.`)),
    )
  })
}

/** Down to the disk, before it gets its name. */
function settle(part: string): void {
  const handle = openSync(part, 'r+')
  fsyncSync(handle)
  closeSync(handle)
}
