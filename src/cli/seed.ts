import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import { applicationId, refuseLeftovers } from '../db/database-file.ts'
import { lockFile } from '../db/file-lock.ts'
import { flush, removeDatabase } from '../db/files.ts'
import { FileClient } from '../db/libsql-file.ts'
import { migrate } from '../db/migrate.ts'
import { openBulk, writeWorld } from '../seed/load.ts'
import type { Plan } from '../seed/plan.ts'
import { takeSearch, writeSearch } from '../seed/search.ts'
import { copyWhole, databasePath, grouped, main, say, stopSignal } from './command.ts'
import { Progress } from './progress.ts'
import { planOf } from './seed-arguments.ts'

const help = `npm run seed -- --users N --tweets M [--follows K] [--likes L] [--seed S] [--until DATE]

Creates the database of DATABASE_URL, which must not exist yet, with a large world. 12 % of the tweets
are replies, 8 % are retweets. Followers, likes, replies, retweets, mentions and tags are distributed by power laws. The same
arguments create the same world.

  --follows K    number of follows       default: 50 for each user
  --likes L      number of likes         default: 1 for each tweet
  --seed S       seed of randomness      default: 1
  --until DATE   time of the last tweet  default: now

Everybody is user0001@example.com, user0002@example.com ... with the password password123.`

const searchOf = (part: string) => `${part}-search`
const emptyOf = (part: string) => `${part}-empty`

/** Removes the temporary files of this run, or of an earlier one that was killed. */
const discard = (part: string) => [part, searchOf(part), emptyOf(part)].forEach(removeDatabase)

if (isMainThread) await main({ help, run: (args, settings) => seed(args, settings) })
else await writeSearch(workerData as Search, (tweets) => parentPort!.postMessage(tweets))

type Search = Parameters<typeof writeSearch>[0]

async function seed(args: string[], settings: Settings): Promise<number> {
  const plan = planOf(args, Date.now())
  const path = databasePath(settings)
  mkdirSync(dirname(path), { recursive: true })
  refuseOver(path)
  const lock = await lockFile(path, settings.LOCK_WAIT_MS)
  const started = performance.now()
  const part = `${path}.part`
  const signal = stopSignal('Stopped. No database was created.')
  try {
    refuseOver(path) // again: the process that held the lock may have created one
    const likes = await build(part, plan, signal)
    renameSync(part, path) // only a complete world gets the requested name
    const seconds = (performance.now() - started) / 1000
    say(
      `${path}: ${grouped(plan.users)} users, ${grouped(plan.tweets)} tweets, ${grouped(plan.follows)} follows and ` +
        `${grouped(likes)} likes in ${seconds.toFixed(1)} s (${grouped(Math.round(plan.tweets / seconds))} tweets/s).`,
    )
    return 0
  } finally {
    discard(part)
    lock.release()
  }
}

function refuseOver(path: string): void {
  if (existsSync(path))
    throw new StartError(
      `${path} exists already. Name another file in DATABASE_URL, or move it away.`,
    )
  refuseLeftovers(path)
}

async function build(part: string, plan: Plan, signal: AbortSignal): Promise<number> {
  discard(part)
  const create = await prepare(part)
  const progress = new Progress(plan.tweets, 'tweets')
  // The rows are one half of the work, the search index the other.
  const report = (tweets: number) => progress.add(tweets / 2)
  const search = inThread({ path: searchOf(part), create, plan }, report, signal)
  search.catch(() => undefined) // an error is thrown by the await below, after the rows
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
    flush(part) // before it is renamed
    return likes
  } finally {
    progress.end()
    await search.catch(() => undefined) // its file can be deleted only after the thread has ended
  }
}

/** Creates a migrated, empty database; returns the statement that creates its search index. */
async function prepare(part: string): Promise<string> {
  const empty = emptyOf(part)
  const client = new FileClient(empty, { synchronous: 'normal', writeWaitMs: 0, writeQueue: 1 })
  await client.executeMultiple(`PRAGMA application_id=${applicationId}`)
  await migrate(client)
  const { rows } = await client.execute(
    "SELECT sql FROM sqlite_master WHERE name = 'tweets_search'",
  )
  client.close()
  copyWhole(empty, part, (copy) => renameSync(copy, part)) // prepared statements keep `empty` open until they are garbage-collected, but not the copy
  return String(rows[0]![0])
}

/** Runs this file as a worker thread, which builds the search index. */
function inThread(search: Search, report: (tweets: number) => void, signal: AbortSignal) {
  const worker = new Worker(new URL(import.meta.url), { workerData: search })
  signal.addEventListener('abort', () => void worker.terminate())
  return new Promise<void>((resolve, reject) => {
    worker.on('message', report)
    worker.on('error', reject)
    worker.on('exit', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`The thread of the search index ended with exit code ${code}.`)),
    )
  })
}
