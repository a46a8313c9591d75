// What may be written: something visible, within limits that are counted as people count, kept as it was typed.
import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from './harness.ts'

const family = '👨‍👩‍👧‍👦'
const nothing = [
  '\u200b',
  '\u2800',
  '\u2060',
  '\u200e',
  '\u3164',
  '\u00ad',
  '\u034f',
  '\u2061',
  '\ufe0f',
  '\uffa0',
  '\u115f',
  '\u180e',
  '\u{1d159}',
  '\u{e0041}',
  '\u2800 \u200b\n\u3164',
]

test('a tweet and a name hold something to see', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  for (const msg of nothing) {
    const answer = await ann.post('/tweet', { msg })
    assert.equal(answer.status, 400, JSON.stringify(msg))
    assert.match(answer.text, /nothing to see|between 1 and 280/)
    const form = { name: msg, bio: '' }
    const named = await ann.post('/account/profile', form)
    assert.equal(named.status, 422, JSON.stringify(msg))
    const signUp = { name: msg, mailaddress: 'x@example.org', password: 'long enough' }
    assert.equal((await app.visitor().post('/register', signUp)).status, 422, JSON.stringify(msg))
  }
  for (const msg of ['.', '。', '🎉', '\u0301', '❤\ufe0f', '\u200bx'])
    assert.equal((await ann.post('/tweet', { msg })).status, 200, JSON.stringify(msg))
})

const names: [typed: string, kept: string][] = [
  ['Ma\u202era', 'Mara'],
  ['Mara\u200f', 'Mara'],
  ['\u2067Mara\u2069', 'Mara'],
  ['Ma\u200bra', 'Mara'],
  ['Ma\u200dra', 'Mara'],
  ['Ma\u200cra', 'Mara'],
  ['Ma\ufe0fra', 'Mara'],
  ['Ma\u00adra', 'Mara'],
  ['Ma\u3164ra', 'Mara'],
  ['Ma\u{e0041}ra', 'Mara'],
  ['Ma\u2028ra', 'Mara'],
  ['نیلو\u200cفر', 'نیلو\u200cفر'],
  ['क्\u200dष', 'क्\u200dष'],
  ['ക്\u200d', 'ക്'],
  ['ශ්\u200dරී', 'ශ්\u200dරී'],
  ['Ann 👩\u200d🚀', 'Ann 👩\u200d🚀'],
  ['Ann 👩🏽\u200d🚀', 'Ann 👩🏽\u200d🚀'],
  ['Ann 🏳\ufe0f\u200d🌈', 'Ann 🏳\ufe0f\u200d🌈'],
  ['Ann ❤\ufe0f', 'Ann ❤\ufe0f'],
  ['Ann 1\ufe0f\u20e3', 'Ann 1\ufe0f\u20e3'],
  [
    'Ann 🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}',
    'Ann 🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}',
  ],
  ['葛\u{E0100}城', '葛\u{E0100}城'],
  ['José', 'José'],
  ['e\u0301', 'é'],
]

test('a name keeps what its script needs, and nothing that only looks like nothing', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  for (const [name, kept] of names) {
    assert.equal((await ann.post('/account/profile', { name, bio: '' })).status, 200, name)
    const { text } = await ann.get('/account', { as: 'browser' })
    assert.equal(/id="name"[^>]*value="([^"]*)"/.exec(text)?.[1], kept, JSON.stringify(name))
  }
  for (const control of ['\u0085', '\u009b', '\u0007', '\u007f'])
    assert.equal((await ann.post('/account/profile', { name: `A${control}`, bio: '' })).status, 422)
})

const counts: [why: string, msg: string, status: number, sentence?: RegExp][] = [
  ['280 letters', 'x'.repeat(280), 200],
  ['281 letters', 'x'.repeat(281), 400, /between 1 and 280/],
  ['280 letters of two code points', 'é'.normalize('NFD').repeat(280), 200],
  ['280 Han', '東'.repeat(280), 200],
  ['281 Han', '東'.repeat(281), 400, /between 1 and 280/],
  ['280 syllables of Hindi', 'हि'.repeat(280), 200],
  ['281 syllables of Hindi', 'हि'.repeat(281), 400, /between 1 and 280/],
  ['280 flags', '🇸🇪'.repeat(280), 200],
  ['160 families, 1,120 code points', family.repeat(160), 200],
  ['161 families', family.repeat(161), 400, /together 1127, and a post holds 1120/],
  ['280 letters and blanks around', `\n \n${'x'.repeat(280)} \n\n`, 200],
  ['one letter with 1,200 marks', `x${'\u0323'.repeat(1200)}`, 400, /together 1201/],
  ['nothing', ' \n ', 400, /between 1 and 280/],
]

test('length is counted as people see it, and the rule that is broken is the one that is said', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  for (const [why, msg, status, sentence] of counts) {
    const answer = await ann.post('/tweet', { msg })
    assert.equal(answer.status, status, why)
    if (sentence) assert.match(answer.text, sentence, why)
  }
  // The counter of the form that comes back says the same.
  const { text } = await ann.post('/post', { msg: family.repeat(161) }, { as: 'browser' })
  assert.match(text, /class="counter over"[^>]*>-2</)
})

test("a tweet keeps its first line's indentation and a bio its lines", async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  await ann.post('/tweet', { msg: '\r\n  \r\n    if (wren)\r\n      sing()\r\n\r\n' })
  const page = await ann.get('/timeline', { as: 'browser' })
  assert.match(page.text, /class="msg"[^>]*> {4}if \(wren\)\n {6}sing\(\)<\/p>/)
  await ann.post('/account/profile', { name: 'Ann', bio: 'One\r\n\r\nTwo' })
  assert.match((await ann.get('/@ann', { as: 'browser' })).text, /class="bio"[^>]*>One\n\nTwo<\/p>/)
})

test('titles end between words or characters, never inside of one', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const titleOf = async (msg: string) => {
    const id = await ann.tweet(msg)
    const { text } = await ann.get(`/tweet/${id}`, { as: 'browser' })
    return /<title>(.*) - Tracewren<\/title>/.exec(text)![1]!
  }
  assert.equal(await titleOf('short\nand  sweet'), 'Ann: short and sweet')
  const words = 'the quick brown fox jumps over the lazy dog '.repeat(4).trim()
  assert.equal(
    await titleOf(words),
    'Ann: the quick brown fox jumps over the lazy dog the quick brown fox jumps over…',
  )
  assert.equal(await titleOf(family.repeat(100)), `Ann: ${family.repeat(74)}…`)
  assert.match(await titleOf('हिन्दी '.repeat(40).trim()), /^Ann: (हिन्दी ){10,}हिन्दी…$/)
})
