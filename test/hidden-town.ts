// A small town in which somebody is hidden, for the tests of mute, block and suspension.
import { sql } from 'drizzle-orm'

import { notificationFaults } from '../src/db/notification-integrity.ts'
import { startApp, type Answer, type Someone, type TestApp } from './harness.ts'

export const rows = async (app: TestApp, text: string) =>
  (await app.database.db.values(sql.raw(text))).map((row) => Object.values(row).join(' '))
export const hiddenRows = (app: TestApp) =>
  rows(app, 'select viewer_id, author_id, kind from hidden order by 1, 2, 3')
export const counts = (app: TestApp) =>
  rows(app, 'select id, hidden_count from users where hidden_count <> 0 order by id')
export const faults = async (app: TestApp) =>
  (await Promise.all(Object.values(notificationFaults).map((one) => rows(app, one)))).flat()

type Person = Someone & { id: number }

/** Alice reads; Bob is hidden; Cid is a friend of hers who passes on and quotes what Bob writes. */
export async function town(env: Record<string, string> = {}) {
  const app = await startApp(env)
  const [alice, bob, cid] = [
    await app.person('Alice'),
    await app.person('Bob'),
    await app.person('Cid'),
  ] as [Person, Person, Person]
  const ids = {
    alice: await alice.tweet('Alice has a #goose'),
    bob: await bob.tweet('Bob has a #goose'),
    cid: await cid.tweet('Cid has a #goose'),
  }
  await alice.post(`/follow/${bob.id}`)
  await alice.post(`/follow/${cid.id}`)
  await cid.post(`/retweet/${ids.bob}`)
  await cid.post('/tweet', { msg: 'Cid quotes a #goose', quote: String(ids.bob) })
  for (const one of [alice, bob, cid])
    for (const id of [ids.alice, ids.bob, ids.cid]) await one.post(`/favorite/${id}`)
  return { app, alice, bob, cid, ids }
}

/** The lists in which nobody sees whom they hide. */
export const lists = [
  '/',
  '/timeline',
  '/timeline?through=1',
  '/everybody',
  '/everybody?through=1',
  '/tag/goose',
  '/search?q=goose',
  '/search?q=bob',
  '/search?q=bob&type=people',
  '/@alice/followers',
  '/@cid/likes',
  '/notifications',
]
export const main = ({ text }: Answer) => text.slice(text.indexOf('<main'), text.indexOf('<aside'))
export const showsBob = (answer: Answer) => /Bob (?:has|answers)|>Bob</.test(main(answer))
