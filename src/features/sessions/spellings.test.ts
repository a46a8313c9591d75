// One person, one account: however their keyboard composes the letters of a password or of an address.
import assert from 'node:assert/strict'
import test from 'node:test'

import { hash } from '@node-rs/bcrypt'
import { sql } from 'drizzle-orm'

import { startApp, told, type TestApp } from '../../../test/harness.ts'
import { normalAddress } from '../../base/mail-address.ts'
import { readSettings } from '../../config/env.ts'
import { normaliseAddresses } from '../../db/addresses.ts'
import { Passwords } from '../../http/passwords.ts'

const composed = 'na\u00efve Ber\u00fchrung \u1ec7'
const decomposed = composed.normalize('NFD')
const right = 'correct horse battery'

const hashOf = async ({ database }: TestApp, mailaddress: string) =>
  (
    await database.db.values(
      sql`select password_hash from users where mailaddress = ${mailaddress}`,
    )
  )[0]![0]

/** An account as it was stored before spellings were normalised. */
const insert = async (
  { database }: TestApp,
  handle: string,
  account: { mailaddress: string; password?: string },
) => {
  const passwordHash = await hash(account.password ?? right, { cost: 4 })
  await database.db.run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
    values (${handle}, ${handle}, ${account.mailaddress}, ${passwordHash}, 1)`)
}

const logIn = async (app: TestApp, mailaddress: string, password = right) =>
  told(await app.visitor().post('/login', { mailaddress, password }))

test('a password is the same in every composition of its letters: at sign-up, log-in, change and deletion', async () => {
  await using app = await startApp()
  for (const [set, typed] of [
    [composed, decomposed],
    [decomposed, composed],
  ] as const) {
    const nell = app.visitor()
    const mailaddress = 'nell@example.org'
    await nell.post('/register', { name: 'Nell', mailaddress, password: set })
    for (const password of [set, typed])
      assert.equal(await logIn(app, mailaddress, password), '303 /timeline')
    assert.equal(await logIn(app, mailaddress, `${typed}x`), '422 page')
    assert.equal(
      told(await nell.post('/register', { name: 'Nell', mailaddress, password: typed })),
      '303 /timeline',
    )
    const change = await nell.post('/account/password', { current: typed, fresh: set })
    assert.equal(told(change), '200 json')
    assert.equal(told(await nell.post('/account/delete', { farewell: typed })), '200 json')
  }
})

test('a password that was hashed as it was typed still fits, and is then hashed anew', async () => {
  await using app = await startApp()
  const mailaddress = 'old@example.org'
  await insert(app, 'old', { mailaddress, password: decomposed })
  const old = await hashOf(app, mailaddress)
  assert.equal(await logIn(app, mailaddress, composed), '422 page')
  assert.equal(await logIn(app, mailaddress, decomposed), '303 /timeline')
  for (let tries = 0; tries < 100 && (await hashOf(app, mailaddress)) === old; tries++)
    await new Promise((done) => setTimeout(done, 10))
  for (const password of [composed, decomposed])
    assert.equal(await logIn(app, mailaddress, password), '303 /timeline')
})

test('a password is measured as it is hashed: 72 bytes and 8 characters composed', async () => {
  await using app = await startApp()
  const register = async (password: string, name = 'New') =>
    (await app.visitor().post('/register', { name, mailaddress: `${name}@x.org`, password })).status
  assert.equal(await register('u\u0308'.repeat(7)), 422)
  assert.equal(await register('\u00fc'.repeat(37)), 422)
  const long = '\u00fc'.repeat(36).normalize('NFD')
  assert.equal(Buffer.byteLength(long), 108)
  assert.equal(await register(long, 'Long'), 303)
  assert.equal(await logIn(app, 'long@x.org', '\u00fc'.repeat(36)), '303 /timeline')
  assert.equal(await logIn(app, 'long@x.org', long), '303 /timeline')
  // One letter that NFC takes apart: 72 bytes as typed, more when composed.
  const apart = '\u0958'.repeat(24)
  await insert(app, 'apart', { mailaddress: 'apart@x.org', password: apart })
  assert.equal(await logIn(app, 'apart@x.org', apart), '303 /timeline')
})

test('an unknown address takes as many comparisons as a known one: one, or two where the composition matters', async () => {
  const passwords = new Passwords(readSettings({ PASSWORD_COST: '11' }))
  const stored = await passwords.hash('somebody has this one')
  await passwords.matches('x', undefined)
  const cpuMs = async (password: string, other: string | undefined) => {
    const times: number[] = []
    for (let rounds = 0; rounds < 3; rounds++) {
      const before = process.cpuUsage()
      assert.equal(await passwords.matches(password, other), false)
      const { user, system } = process.cpuUsage(before)
      times.push((user + system) / 1000)
    }
    return Math.min(...times)
  }
  const once = await cpuMs(composed, stored)
  for (const [password, comparisons] of [
    [composed, 1],
    [decomposed, 2],
    [decomposed.repeat(9), 2],
  ] as const)
    for (const other of [stored, undefined]) {
      const times = (await cpuMs(password, other)) / once
      assert.equal(times > 1.5 ? 2 : 1, comparisons, `${other}: ${times}`)
    }
})

const spellings: [address: string, normal: string][] = [
  ['Mara@Example.ORG', 'mara@example.org'],
  [' mara@b\u00fccher.example ', 'mara@xn--bcher-kva.example'],
  ['mara@bu\u0308cher.example', 'mara@xn--bcher-kva.example'],
  ['mara@B\u00dcCHER.example', 'mara@xn--bcher-kva.example'],
  ['MARA@XN--BCHER-KVA.Example', 'mara@xn--bcher-kva.example'],
  ['mara@b\u00fccher\u3002example', 'mara@xn--bcher-kva.example'],
  ['mara@b\u00fc\u00adcher.example', 'mara@xn--bcher-kva.example'],
  ['mara@\uff45xample.org', 'mara@example.org'],
  ['\u4e2d@\u6771\u4eac.\u65e5\u672c', '\u4e2d@xn--1lqs71d.xn--wgv71a'],
  ['mara@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444', 'mara@xn--e1afmkfd.xn--p1ai'],
  ['mara@\u0645\u062b\u0627\u0644.\u0645\u0635\u0631', 'mara@xn--mgbh0fb.xn--wgbh1c'],
  ['mara@stra\u00dfe.example', 'mara@xn--strae-oqa.example'],
  // A URL would end at these: then a stranger's address would be somebody's.
  ['mara@b\u00fccher.example/x', 'mara@b\u00fccher.example/x'],
  ['mara@b\u00fccher.example:25', 'mara@b\u00fccher.example:25'],
  ['mara@b\u00fccher.example?x', 'mara@b\u00fccher.example?x'],
  ['mara@b\u00fccher.example\uff0fx', 'mara@b\u00fccher.example\uff0fx'],
  ['mara@b\u00fccher.example#x', 'mara@b\u00fccher.example#x'],
  ['mara', 'mara'],
  ['m\u00e4ra', 'm\u00e4ra'],
]

test('an address has one spelling, whatever its host is written in', () => {
  for (const [address, normal] of spellings) {
    assert.equal(normalAddress(address), normal, address)
    assert.equal(normalAddress(normal), normal, `${address} twice`)
  }
  const started = performance.now()
  normalAddress(`a@${'\u6771'.repeat(60_000)}`)
  assert.ok(performance.now() - started < 1000)
  const { operators } = readSettings({ OPERATORS: 'Mara@B\u00dcCHER.example nell@x.org' })
  assert.deepEqual([...operators], ['mara@xn--bcher-kva.example', 'nell@x.org'])
})

test('both spellings of a host are one account, one limit and one operator; a host that is none is refused', async () => {
  const wide = 'Mara@b\u00fccher.example'
  const narrow = 'mara@xn--bcher-kva.example'
  await using app = await startApp({ OPERATORS: wide, LIMIT_LOGIN_ACCOUNT: '4/600' })
  const mara = app.visitor()
  const fields = { name: 'Mara', password: right }
  assert.equal(
    told(await mara.post('/register', { ...fields, mailaddress: wide })),
    '303 /timeline',
  )
  const again = await mara.post('/register', {
    ...fields,
    mailaddress: narrow,
    password: 'wrong one',
  })
  assert.match(again.text, /already registered/)
  for (const mailaddress of [wide, narrow])
    assert.equal(await logIn(app, mailaddress), '303 /timeline')
  const nell = await app.person('Nell')
  const tweet = await nell.tweet('not hers')
  assert.equal(told(await mara.post(`/tweet/${tweet}/delete`)), '200 json', 'an operator')
  assert.equal(await logIn(app, narrow, 'wrong'), '422 page')
  assert.match(await logIn(app, wide, 'wrong'), /^429/)
  for (const mailaddress of [
    'a@b\u00fccher.example/x',
    'a@b\u00fccher.example\uff0fx',
    'a@\u00fc b',
  ])
    assert.equal(
      told(await app.visitor().post('/register', { ...fields, mailaddress })),
      '422 page',
      mailaddress,
    )
})

test('a start normalises the addresses of old, again and again; of two that collide both stay and sign in', async () => {
  await using app = await startApp()
  const addresses = [
    'one@b\u00fccher.example',
    'two@xn--bcher-kva.example',
    'two@b\u00fccher.example',
    'm\u00e4ra@example.org',
    'odd@b\u00fccher.example/x',
  ]
  for (const [index, mailaddress] of addresses.entries())
    await insert(app, `p${index}`, { mailaddress, password: `${right} ${index}` })
  const { db } = app.database
  for (let starts = 0; starts < 2; starts++) {
    assert.deepEqual(await normaliseAddresses(db), ['two@xn--bcher-kva.example'])
    const rows = await db.values<[string]>(sql`select mailaddress from users order by id`)
    assert.deepEqual(
      [...rows].map((row) => row[0]),
      ['one@xn--bcher-kva.example', ...addresses.slice(1)],
    )
  }
  for (const [index, mailaddress] of addresses.entries())
    assert.equal(await logIn(app, mailaddress, `${right} ${index}`), '303 /timeline', mailaddress)
  const plan = await db.values(
    sql`explain query plan select id, mailaddress from users where mailaddress glob '*@*[^ -~]*' and id > 5 order by id limit 500`,
  )
  assert.match(String(plan[0]![3]), /USING INDEX users_wide_domain/)
})
