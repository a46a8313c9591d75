// The export of a large account in the real process: memory stays flat, and a client that hangs up makes room.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import { register, scratch, startServer } from './process.ts'

const posts = 100_000

/** Resident megabytes: now, and the most there have been. */
const memoryOf = (pid: number) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024
  return { now: of('VmRSS'), most: of('VmHWM') }
}

const open = (url: string, cookie: string) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/account/export`, { headers: { Cookie: cookie }, agent: false }, resolve).on(
      'error',
      reject,
    )
  })

async function bodyOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  answer.setEncoding('utf8')
  for await (const piece of answer) text += String(piece)
  return text
}

test('100,000 posts are written with constant memory; a client that hangs up makes room', async () => {
  using place = scratch()
  const path = `${place.folder}/large.db`
  await using server = await startServer({ DATABASE_URL: `file:${path}` })
  const cookie = await register(server.url, 'large')
  const db = new Database(path, { timeout: 10_000 })
  db.exec(`insert into tweets (user_id, msg, created_at)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${posts})
    select (select max(id) from users), 'post ' || i || ' ' || hex(randomblob(60)), i from n`)
  db.close()

  // A client that stops reading gets no more than what the sockets hold, and makes room by hanging up.
  const left = await open(server.url, cookie)
  assert.equal(left.statusCode, 200)
  const other = await register(server.url, 'other')
  const refused = await open(server.url, other)
  assert.equal(refused.statusCode, 503)
  refused.resume()
  left.destroy()
  for (let status = 503, giveUp = Date.now() + 20_000; status === 503; await pause(20)) {
    const again = await open(server.url, other)
    again.resume()
    status = again.statusCode!
    assert.ok(Date.now() < giveUp, 'hanging up made no room')
  }

  const before = memoryOf(server.child.pid!)
  let answer = await open(server.url, cookie)
  for (const giveUp = Date.now() + 20_000; answer.statusCode === 503 && Date.now() < giveUp;) {
    answer.resume()
    await pause(20)
    answer = await open(server.url, cookie)
  }
  const all = JSON.parse(await bodyOf(answer)) as { tweets: unknown[]; complete: boolean }
  const after = memoryOf(server.child.pid!)
  assert.equal(all.complete, true)
  assert.equal(all.tweets.length, posts)
  // 58 MB, most of it garbage and SQLite's cache; with 1.2 million posts 98 MB.
  assert.ok(after.most - before.now < 130, `${before.now} MB before, ${after.most} MB at most`)
})
