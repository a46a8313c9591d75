// The measured worlds: created once by `npm run seed`, then kept; and a few users with known follows and likes.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

import Database from 'libsql'

import { lockFile } from '../src/db/file-lock.ts'

/** The folder of worlds and copies; a world of ten million tweets needs 4 GB. */
export const folder = resolve(process.env['BENCH_FOLDER'] ?? '.cache/bench')

/** Viewers by user id, and how many people they follow; the eight who follow 300 take turns. */
export const followers: Record<number, number> = {
  ...Object.fromEntries([11, 12, 13, 14, 15, 16, 17, 18].map((id) => [id, 300])),
  21: 10,
  22: 2000,
  23: 5000,
}
export const viewers = [11, 12, 13, 14, 15, 16, 17, 18]
/** The user who likes 100,000 tweets, or all tweets of a smaller world. */
export const liker = 24

/** The last migration of a checkout: its build cannot open a world with later migrations. */
function schemaOf(build: string): string {
  const journal = JSON.parse(
    readFileSync(resolve(build, 'drizzle/meta/_journal.json'), 'utf8'),
  ) as { entries: { tag: string }[] }
  return journal.entries.at(-1)!.tag
}

/** The path of a world of this size; if it is missing, the build of the checkout `build` creates it. */
export async function worldOf(users: number, tweets: number, build = '.'): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const path = `${folder}/world-${users}-${tweets}-${schemaOf(build)}.db`
  if (!existsSync(path)) {
    console.log(`Making a world of ${tweets.toLocaleString('en')} tweets in ${path} ...`)
    const words = ['--users', String(users), '--tweets', String(tweets)]
    const { status } = spawnSync(process.execPath, [resolve(build, 'dist/seed.js'), ...words], {
      stdio: 'inherit',
      env: { ...process.env, DATABASE_URL: `file:${path}` },
    })
    if (status !== 0) throw new Error('The world was not made.')
  }
  const lock = await lockFile(path, 0)
  prepareViewers(path)
  lock.release()
  return path
}

/** Writes the known follows and likes of the viewers, with triggers; does nothing the second time. */
function prepareViewers(path: string): void {
  const db = new Database(path)
  const known = db
    .prepare(
      'SELECT following_count = min(300, (SELECT count(*) - 1 FROM users)) FROM users WHERE id = 11',
    )
    .raw()
    .all([]) as number[][]
  if (known[0]?.[0] !== 1) {
    db.exec('PRAGMA foreign_keys=ON; BEGIN')
    for (const [id, count] of Object.entries(followers)) {
      db.exec(`DELETE FROM follows WHERE follower_id = ${id};
        INSERT INTO follows (follower_id, followed_id, created_at)
        SELECT ${id}, id, created_at FROM users WHERE id <> ${id} ORDER BY (id * 7919 + ${id}) % 10007 LIMIT ${count}`)
    }
    db.exec(`DELETE FROM favorites WHERE user_id = ${liker};
      INSERT INTO favorites (user_id, tweet_id, weight, created_at)
      SELECT ${liker}, id, 0, created_at FROM tweets
      WHERE id % max(1, (SELECT max(id) FROM tweets) / 100000) = 0 LIMIT 100000; COMMIT`)
  }
  // The world of an older build has none. Of those that may be bookmarked: a retweet is not.
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'bookmarks'").raw().all([]).length > 0)
    db.exec(`INSERT INTO bookmarks (user_id, tweet_id, created_at) SELECT 11, id, created_at FROM tweets
      WHERE retweet_of IS NULL AND NOT EXISTS (SELECT 1 FROM bookmarks WHERE user_id = 11) ORDER BY id DESC LIMIT 100`)
  db.close()
}

/** A copy of a world that actions may change. */
export function copyOf(world: string, name: string): { path: string; remove: () => void } {
  const path = `${folder}/run-${process.pid}-${name}.db`
  copyFileSync(world, path)
  const remove = () => {
    for (const end of ['', '-wal', '-shm', '.lock.db', '.lock.db-journal'])
      rmSync(path + end, { force: true })
    process.off('exit', remove)
  }
  process.on('exit', remove) // a benchmark that fails leaves no copy of 400 MB
  return { path, remove }
}
