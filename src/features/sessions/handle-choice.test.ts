// Handles that people choose, at sign-up and later, and where the ones of before lead.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, told, type Someone, type TestApp } from '../../../test/harness.ts'
import { isConstraint } from '../../db/db.ts'
import { handleOf, whyNoHandle } from '../../db/handles.ts'
import { plainLatin } from '../../db/latin-letters.ts'

/** Names, and the handle that each suggests; none where no Latin letter is in it. */
const names: [name: string, handle: string | undefined][] = [
  ['I\u015f\u0131k', 'isik'],
  ['\u0130brahim I\u011fd\u0131r', 'ibrahim_igdir'],
  ['\u0110or\u0111e', 'dorde'],
  ['\u00de\u00f3r', 'thor'],
  ['\u0152uvre', 'oeuvre'],
  ['\u00c6r\u00f8', 'aero'],
  ['Gu\u00f0r\u00fan \u00c6gisd\u00f3ttir', 'gudrun_aegisdottir'],
  ['\u0141ukasz \u017b\u00f3\u0142w', 'lukasz_zolw'],
  ['Gro\u00dfmann', 'grossmann'],
  ['STRA\u1e9eE', 'strasse'],
  ['J\u00fcrgen \u00d6zil', 'jurgen_ozil'],
  ['Nguy\u1ec5n V\u0103n \u0110\u1ee9c', 'nguyen_van_duc'],
  ['\u018eliyev \u018flixan', 'eliyev_elixan'],
  ['\u0126al \u0126axix', 'hal_haxix'],
  ['\u014aela \u0166uomas', 'ngela_tuomas'],
  ['\u0181ala \u018aan\u0199asa \u01b3ar', 'bala_dankasa_yar'],
  ['\u0254k\u0254f\u0254 \u025bd\u025b', 'okofo_ede'],
  ['Ka\u02bbahumanu', 'kaahumanu'],
  ['O\u02bbzbek G\u02bbani', 'ozbek_gani'],
  ['\u01c3X\u00f3\u00f5 \u01c0Ui', 'xoo_ui'],
  ['\u0149 Dirkie', 'n_dirkie'],
  ['\ufb01ne \ufb02y', 'fine_fly'],
  ['\uff21\uff42\uff43', 'abc'],
  ['\u0138alaallit', 'kalaallit'],
  ['Mara Lindqvist', 'mara_lindqvist'],
  ["O'Brien", 'o_brien'],
  ['\u7530\u4e2d \u{1d68a}', 'a'],
  ['\u7530\u4e2d', undefined],
  ['\u041c\u0430\u0440\u0430', undefined],
  ['\u0939\u093f\u0928\u094d\u0926\u0940', undefined],
  ['\u01c3\u0294', undefined],
  ['\u{1f600} 42', undefined],
  ['u5', 'u5_'],
  ['Admin', 'admin_'],
]

test('a name keeps its letters in the handle', () => {
  for (const [name, handle] of names) assert.equal(handleOf(name), handle, name)
})

test('every Latin letter of Unicode becomes a to z, but for the few that stand for no letter of ours', () => {
  const silent: string[] = []
  let letters = 0
  for (let code = 0x41; code < 0x20000; code++) {
    const letter = String.fromCodePoint(code)
    if (!/\p{L}/u.test(letter) || !/\p{Script=Latin}/u.test(letter)) continue
    letters += 1
    const plain = plainLatin(letter)
    assert.match(plain, /^[a-z ]*$/, `U+${code.toString(16)} ${letter}`)
    if (plain === '') silent.push(letter)
  }
  assert.ok(letters > 1300, String(letters))
  assert.ok(silent.length < 45, silent.join(''))
})

test('what a handle must look like', () => {
  const no = ['', 'a b', 'josé', 'x'.repeat(21), '___', 'u5', 'admin', 'a-b', '@a', 'A']
  for (const handle of no) assert.ok(whyNoHandle(handle), handle)
  for (const handle of ['a', '7', 'x'.repeat(20), '_a_', 'u', 'u5x'])
    assert.equal(whyNoHandle(handle), undefined, handle)
  assert.equal(whyNoHandle('u5', { id: 5 }), undefined)
  assert.ok(whyNoHandle('u5', { id: 6 }))
  assert.equal(whyNoHandle('admin', { operator: true }), undefined)
})

let numbers = 0
const right = 'correct horse battery'
const person = (handle?: string) => ({
  name: 'Mara',
  mailaddress: `mara${++numbers}@example.org`,
  password: right,
  ...(handle !== undefined && { handle }),
})
const handleOfSession = async (someone: Someone) =>
  /href="\/@([a-z0-9_]+)" class="who"/.exec((await someone.get('/timeline')).text)?.[1]

test('at sign-up people choose their handle, or one is made', async () => {
  await using app = await startApp()
  const signUp = async (handle?: string) => {
    const someone = app.visitor()
    const answer = await someone.post('/register', person(handle), { as: 'browser' })
    return { answer, handle: await handleOfSession(someone) }
  }
  assert.equal((await signUp()).handle, 'mara')
  assert.equal((await signUp('')).handle, 'mara2')
  assert.equal((await signUp(' @Skipper ')).handle, 'skipper')
  const wrong: [handle: string, sentence: RegExp][] = [
    ['skipper', /Somebody has this handle, or has had it\./],
    ['SKIPPER', /Somebody has this handle/],
    ['u7', /belongs to the account with that number/],
    ['admin', /for those who run this site/],
    ['a b', /letters a to z, digits and _ only/],
    ['x'.repeat(21), /up to 20 characters/],
    ['__', /needs a letter or a digit/],
  ]
  for (const [handle, sentence] of wrong) {
    const { answer } = await signUp(handle)
    assert.equal(told(answer), '422 page', handle)
    const atField = /id="reg-handle-problem"[^>]*>([^<]*)</.exec(answer.text)?.[1]
    assert.match(atField ?? '', sentence, handle)
    assert.ok(answer.text.includes(`value="${handle.toLowerCase()}"`), 'what was typed is there')
  }
})

test('a chosen handle that a deleted account had is not given again', async () => {
  await using app = await startApp()
  const mara = app.visitor()
  await mara.post('/register', person('gone'))
  await mara.post('/account/delete', { farewell: right })
  const answer = await app.visitor().post('/register', person('gone'), { as: 'browser' })
  assert.equal(told(answer), '422 page')
})

const rename = (someone: Someone, handle: string, as: 'browser' | 'program' = 'program') =>
  someone.post('/account/handle', { handle }, { as })
/** As if all changes had been made this long ago. */
const later = (app: TestApp, days: number) =>
  app.database.db.run(sql`update former_handles set changed_at = changed_at - ${days} * 86400000`)

test('a handle changes once a month; the ones before lead on for ever, with tab and query', async () => {
  await using app = await startApp()
  const mara = app.visitor()
  await mara.post('/register', person('mara'))
  const reader = app.visitor()
  assert.equal(told(await rename(mara, 'mara')), '200 json', 'its own is no change')
  assert.equal(told(await rename(mara, '@Captain')), '200 json')
  assert.equal(await handleOfSession(mara), 'captain')
  assert.equal(told(await reader.get('/@mara')), '301 /@captain')
  const long = await reader.get('/%40MARA/likes?before=5&limit=2')
  assert.equal(told(long), '301 /@captain/likes?before=5&limit=2')
  assert.match(long.headers.get('Cache-Control') ?? '', /no-cache/, 'it may lead elsewhere later')
  const again = await rename(mara, 'skipper', 'browser')
  assert.equal(told(again), '422 page')
  assert.match(
    again.text,
    /You are @captain\. You can change (?:it|yours) again from \d{4}-\d\d-\d\d/,
  )
  await later(app, 29)
  assert.equal((await rename(mara, 'skipper')).status, 422)
  await later(app, 1)
  assert.equal((await rename(mara, 'skipper')).status, 200)
  assert.equal(told(await reader.get('/@mara')), '301 /@skipper')
  assert.equal(told(await reader.get('/@captain')), '301 /@skipper')
  await later(app, 30)
  assert.equal((await rename(mara, 'mara')).status, 200, 'one may go back')
  assert.equal(told(await reader.get('/@mara')), '200 page')
  assert.equal(told(await reader.get('/@skipper')), '301 /@mara')
})

test('two changes at once are one', async () => {
  await using app = await startApp()
  const mara = app.visitor()
  await mara.post('/register', person('mara'))
  const answers = await Promise.all(['one', 'two', 'three'].map((handle) => rename(mara, handle)))
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 422, 422],
  )
})

test('nobody else gets a handle of before; after the account is deleted all of its handles are 404', async () => {
  await using app = await startApp()
  const mara = app.visitor()
  await mara.post('/register', person('mara'))
  await rename(mara, 'captain')
  const other = app.visitor()
  const made = await other.post('/register', person())
  assert.equal(told(made), '303 /timeline')
  assert.equal(await handleOfSession(other), 'mara2')
  for (const handle of ['mara', 'captain', 'u1', 'admin', 'a b'])
    assert.equal((await rename(other, handle, 'browser')).status, 422, handle)
  assert.equal((await app.visitor().post('/register', person('mara'))).status, 422)
  const { db } = app.database
  const isHandle = (error: unknown) => isConstraint(error, 'UNIQUE: users.handle')
  const steal = sql`update users set handle = 'mara' where handle = 'mara2'`
  await assert.rejects(async () => db.run(steal), isHandle, 'by no other way either')
  await mara.post('/account/delete', { farewell: right })
  for (const handle of ['mara', 'captain'])
    for (const tab of ['', '/likes'])
      assert.equal((await app.visitor().get(`/@${handle}${tab}`)).status, 404, handle)
  assert.equal((await rename(other, 'captain')).status, 422)
  await assert.rejects(async () => db.run(steal), isHandle)
  assert.equal((await rename(other, 'u2')).status, 200, 'the handle of its own id')
})

test('a change from the future locks nobody out', async () => {
  await using app = await startApp()
  const mara = app.visitor()
  await mara.post('/register', person('mara'))
  await rename(mara, 'captain')
  await later(app, -400)
  assert.equal((await rename(mara, 'skipper')).status, 200)
})

test('the sign may be written in percent', async () => {
  await using app = await startApp()
  await app.person('Mara')
  for (const tab of ['', '/likes', '/followers', '/following']) {
    const plain = await app.visitor().get(`/@mara${tab}`)
    const encoded = await app.visitor().get(`/%40mara${tab}`)
    assert.equal(told(encoded), '200 page', tab)
    const route = encoded.spans.at(-1)?.attributes['http.route']
    assert.equal(route, plain.spans.at(-1)?.attributes['http.route'])
    assert.equal(route, `/:handle${tab}`)
  }
})
