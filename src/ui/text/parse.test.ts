import assert from 'node:assert/strict'
import test from 'node:test'

import fc from 'fast-check'

import { foundIn, parseText } from '../../base/parse-text.ts'
import { tagKey } from '../../base/tags.ts'
import { labelsOf } from './label.ts'
import { LinkedText } from './linked-text.tsx'

/** The links, mentions and tags of a text, as people type them. */
const found = (text: string) =>
  parseText(text).flatMap((one) => {
    if (one.kind === 'link') return one.text
    if (one.kind === 'mention') return `@${one.handle}`
    return one.kind === 'tag' ? `#${one.tag}` : []
  })

const links: [text: string, ...links: string[]][] = [
  ['https://a.example', 'https://a.example'],
  ['https://a.example/x and http://b.example', 'https://a.example/x', 'http://b.example'],
  ['HTTPS://A.EXAMPLE/x', 'HTTPS://A.EXAMPLE/x'],
  ['see:https://a.example/x', 'https://a.example/x'],
  ['https://a.example:8080/x?y=1&z=2#end', 'https://a.example:8080/x?y=1&z=2#end'],
  ['http://127.0.0.1:5000/x', 'http://127.0.0.1:5000/x'],
  ['http://[::1]:5000/x', 'http://[::1]:5000/x'],
  ['http://localhost:3000', 'http://localhost:3000'],
  // The end of a sentence, and what stands around an address.
  ['Read https://a.example/x.', 'https://a.example/x'],
  ['https://a.example/x, then', 'https://a.example/x'],
  ['https://a.example/x! https://a.example/y?', 'https://a.example/x', 'https://a.example/y'],
  ['https://a.example/x...', 'https://a.example/x'],
  ['https://a.example/x…', 'https://a.example/x'],
  ['(https://a.example/x)', 'https://a.example/x'],
  ['(see https://a.example/wiki/Wren_(bird))', 'https://a.example/wiki/Wren_(bird)'],
  ['https://a.example/wiki/Wren_(bird).', 'https://a.example/wiki/Wren_(bird)'],
  ['https://a.example/a_(b_(c))', 'https://a.example/a_(b_(c))'],
  ['[x](https://a.example/x)', 'https://a.example/x'],
  ['<https://a.example/x>', 'https://a.example/x'],
  ['"https://a.example/x"', 'https://a.example/x'],
  ["'https://a.example/x'", 'https://a.example/x'],
  ['“https://a.example/x”', 'https://a.example/x'],
  ['‘https://a.example/x’', 'https://a.example/x'],
  ['„https://a.example/x“', 'https://a.example/x'],
  ['«https://a.example/x»', 'https://a.example/x'],
  ['‹https://a.example/x›', 'https://a.example/x'],
  ['*https://a.example/x*', 'https://a.example/x'],
  ['**https://a.example/x**', 'https://a.example/x'],
  ['_https://a.example/x_', 'https://a.example/x'],
  ['~~https://a.example/x~~', 'https://a.example/x'],
  ['`https://a.example/x`', 'https://a.example/x'],
  ['|https://a.example/x|', 'https://a.example/x'],
  ['https://a.example/C*', 'https://a.example/C*'],
  ['https://a.example/x—and', 'https://a.example/x'],
  ["https://a.example/Schr%C3%B6dinger's_cat", "https://a.example/Schr%C3%B6dinger's_cat"],
  ['https://a.example/@ann#top', 'https://a.example/@ann#top'],
  // Other scripts.
  ['「https://a.example/x」', 'https://a.example/x'],
  ['『https://a.example/x』', 'https://a.example/x'],
  ['（https://a.example/x）', 'https://a.example/x'],
  ['【https://a.example/x】', 'https://a.example/x'],
  ['《https://a.example/x》', 'https://a.example/x'],
  ['https://a.example/x。次', 'https://a.example/x'],
  ['https://a.example/x、https://b.example/y', 'https://a.example/x', 'https://b.example/y'],
  ['https://a.example/x！', 'https://a.example/x'],
  ['https://a.example/x？', 'https://a.example/x'],
  ['見てhttps://a.example/x', 'https://a.example/x'],
  ['https://a.exampleを見て', 'https://a.example'],
  ['https://a.exampleをhttps://b.exampleと', 'https://a.example', 'https://b.example'],
  ['https://a.example에서', 'https://a.example'],
  ['https://a.exampleпосмотри', 'https://a.example'],
  ['https://a.exampleดู', 'https://a.example'],
  ['https://例え.テスト/パス', 'https://例え.テスト/パス'],
  ['https://пример.рф/путь', 'https://пример.рф/путь'],
  ['https://münchen.example/straße', 'https://münchen.example/straße'],
  ['https://a.example/हिन्दी।', 'https://a.example/हिन्दी'],
  ['https://a.example/مرحبا، ثم', 'https://a.example/مرحبا'],
  ['https://a.example/قطة؟', 'https://a.example/قطة'],
  ['https://a.example/خواندن۔', 'https://a.example/خواندن'],
  ['https://a.example/שלום', 'https://a.example/שלום'],
  ['https://a.example/❤️', 'https://a.example/❤️'],
  // What nobody sees ends an address.
  ['https://a.example/x\u200b', 'https://a.example/x'],
  ['https://a.example/x\u200bmore', 'https://a.example/x'],
  ['https://a.example/x\u00adx', 'https://a.example/x'],
  ['https://a.example/x\u2060', 'https://a.example/x'],
  ['https://a.example/x\ufeff', 'https://a.example/x'],
  ['https://a.example/x\u200e', 'https://a.example/x'],
  ['https://a.example/x\u202e', 'https://a.example/x'],
  ['https://a.example/x\u200d', 'https://a.example/x'],
  ['https://a.example/نمی\u200cخواهم', 'https://a.example/نمی\u200cخواهم'],
  // No addresses.
  ['ahttps://a.example/x'],
  ['javascript:alert(1)'],
  ['a.example/x'],
  ['https://'],
  ['https:// a.example'],
  ['https://a.example:99999/'],
  ['https://bank.example@evil.example/'],
  ['https://user:password@a.example/ #tag', '#tag'],
]

const mentions: typeof links = [
  ['@bob', '@bob'],
  ['@Bob_Smith42!', '@bob_smith42'],
  ['(@bob), @alice: @carol.', '@bob', '@alice', '@carol'],
  ['.@bob hi', '@bob'],
  ['“@bob”', '@bob'],
  ['@bob’s @bob-s', '@bob', '@bob'],
  ['＠bob', '@bob'],
  ['🎉@bob🎉', '@bob'],
  ['שלום @bob_smith מה שלומך', '@bob_smith'],
  ['مرحبا @bob، كيف', '@bob'],
  ['¿@bob?', '@bob'],
  ['こんにちは@maraさん', '@mara'],
  ['你好@mara，好', '@mara'],
  ['สวัสดี@maraครับ', '@mara'],
  ['@mara_さん', '@mara_'],
  ['ann@bob.example'],
  ['josé@alice.example'],
  ['ann.@bob@c.example'],
  ['иван@alice'],
  ['γιώργος@alice'],
  ['राम@alice'],
  ['@jürgen'],
  ['@bobé'],
  ['@bobе'],
  ['@bob\u0301'],
  ['@बॉब'],
  ['@bob@mastodon.example'],
  ['mastodon.example/@bob'],
  ['@bob.bsky.example'],
  ['@@bob'],
  ['@a234567890123456789012'],
  ['@ bob'],
  ['https://a.example/@bob x', 'https://a.example/@bob'],
]

const tags: typeof links = [
  ['#cat', '#cat'],
  ['#Cat, #dog! (#bird)', '#cat', '#dog', '#bird'],
  ['#foo_bar', '#foo_bar'],
  ['#c++ #C#', '#c', '#c'],
  ['#2024wrapped', '#2024wrapped'],
  ['#हिन्दी', '#हिन्दी'],
  ['#বাংলা', '#বাংলা'],
  ['#தமிழ்', '#தமிழ்'],
  ['#తెలుగు', '#తెలుగు'],
  ['#ไทยแลนด์', '#ไทยแลนด์'],
  ['#ខ្មែរ', '#ខ្មែរ'],
  ['#မြန်မာ', '#မြန်မာ'],
  ['#مَرْحَبًا', '#مَرْحَبًا'],
  ['#نمی\u200cخواهم', '#نمی\u200cخواهم'],
  ['#שלום', '#שלום'],
  ['#צה״ל', '#צה״ל'],
  ['#Привет', '#привет'],
  ['#ΑΘΉΝΑ', '#αθήνα'],
  ['#한국어', '#한국어'],
  ['#東京', '#東京'],
  ['＃東京', '#東京'],
  ['#ＡＢＣ', '#abc'],
  ['#ハリー・ポッター', '#ハリー・ポッター'],
  ['#２０２４年', '#2024年'],
  ['#col·lega', '#col·lega'],
  ['#Việt', '#việt'],
  ['#e\u0301te\u0301', '#été'],
  ['#İstanbul', '#i̇stanbul'],
  ['#ﷺ', '#صلى_الله_عليه_وسلم'],
  [`#${'x'.repeat(50)}`, `#${'x'.repeat(50)}`],
  [`#${'x'.repeat(51)}`],
  ['#cat❤️', '#cat'],
  ['🎉#cat', '#cat'],
  ['#cat。#dog', '#cat', '#dog'],
  ['قرأت #hello اليوم', '#hello'],
  ['#cat#dog', '#cat'],
  ['#2024'],
  ['#१२३'],
  ['#_'],
  ['#'],
  ['# cat'],
  ['#️⃣'],
  ['#1️⃣'],
  ['#\u0301cat'],
  ['##cat'],
  ['&#39;'],
  ['a#cat'],
  ['é#cat'],
  ['д#cat'],
  ['東京#cat'],
  ['हि#cat'],
  ['https://a.example/#cat', 'https://a.example/#cat'],
]

test('links, mentions and tags in every script', () => {
  for (const [text, ...expected] of [...links, ...mentions, ...tags]) {
    assert.deepEqual(found(text), expected, text)
    const whole = parseText(text).map((one) => one.text)
    assert.equal(whole.join(''), text, 'nothing is lost')
  }
})

/** Spellings of one tag, and what they have in common. */
const spellings: [key: string, ...tags: string[]][] = [
  ['cat', 'Cat', 'CAT', 'ＣＡＴ', '𝒄𝒂𝒕', 'ｃat'],
  ['ete', 'été', 'e\u0301te\u0301', 'ÉTÉ', 'ETE'],
  ['viet', 'Việt', 'VIỆT'],
  ['strasse', 'straße', 'STRASSE', 'STRAẞE'],
  ['αθηνασ', 'Αθήνας', 'ΑΘΗΝΑΣ', 'αθηνας', 'ἀθῆνας'],
  ['елка', 'Ёлка', 'елка', 'е\u0308лка'],
  ['istanbul', 'İstanbul', 'istanbul', 'ISTANBUL', 'i̇stanbul'],
  ['ısık', 'ışık'],
  ['find', 'ﬁnd', 'FIND'],
  ['եւ', 'և', 'ԵՒ'],
  ['ꭰꮣ', 'ᎠᏓ', 'ꭰꮣ'],
  ['ოდა', 'ოდა', 'ᲝᲓᲐ'],
  ['が', 'が', 'か\u3099', 'ｶ\uff9e'.normalize('NFKC').replace('ガ', 'が')],
  ['ガ', 'ガ', 'ｶ\uff9e'],
  ['한국', '한국', '한국'.normalize('NFD')],
  ['हिन्दी', 'हिन्दी'],
  ['مَرْحَبًا', 'مَرْحَبًا'],
  ['שָׁלוֹם', 'שָׁלוֹם', 'שָׁלוֹם'.normalize('NFD')],
  ['ไทย', 'ไทย'],
  // A mark of U+0300 to U+036F on a letter of another script stays.
  ['ა\u0301', 'ა\u0301'],
  ['صلى_الله_عليه_وسلم', 'ﷺ', 'صلى_الله_عليه_وسلم'],
  ['1_2cup', '½cup'],
  ['2024年', '２０２４年', '2024年'],
]
const noTags = [
  '',
  '#cat',
  'two words',
  'c++',
  '2024',
  '१२३',
  '_',
  '\u0301cat',
  'x'.repeat(51),
].concat(['ﷺ'.repeat(3), 'cat\u00b7', 'a/b', 'a.b', '½', '❤️', '\ud800', 'a\u0000'])

test('the spellings of a tag in many scripts, and what is no tag', () => {
  for (const [key, ...spelled] of spellings)
    for (const tag of spelled) assert.equal(tagKey(tag), key, `${tag} ${encodeURIComponent(tag)}`)
  for (const tag of noTags) assert.equal(tagKey(tag), undefined, tag)
  assert.equal(tagKey('𝒄'.repeat(50)), 'c'.repeat(50), 'code points are counted')
})

test('the key of a key is that key, and a text finds what it links', () => {
  const letters = fc.string({ unit: 'binary', minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.oneof(letters, fc.string({ unit: 'grapheme', minLength: 1 })), (text) => {
      const key = tagKey(text)
      if (key === undefined) return
      assert.equal(tagKey(key), key)
      const upper = tagKey(text.toUpperCase()) ?? key
      if (!text.includes('\u0131')) assert.equal(upper, key)
    }),
    { numRuns: 20_000 },
  )
  assert.deepEqual(
    foundIn('@Bob #Été @bob #ete @ann_ (#CAT) https://a.example/#dog @bob@b.example'),
    {
      handles: ['bob', 'ann_'],
      tags: ['ete', 'cat'],
    },
  )
})

test('the text of a link is its address as people write it', () => {
  const labels = (...addresses: string[]) => [
    ...labelsOf(addresses.map((address) => new URL(address))).values(),
  ]
  for (const [address, label] of [
    ['https://a.example/', 'a.example'],
    ['http://a.example:8080/x/', 'a.example:8080/x/'],
    ['https://a.example/x?y=1', 'a.example/x'],
    ['https://a.example/%E6%97%A5%E6%9C%AC', 'a.example/日本'],
    ['https://a.example/Schr%C3%B6dinger', 'a.example/Schrödinger'],
    ['https://a.example/100%25', 'a.example/100%25'],
    ['https://a.example/%FF', 'a.example/%FF'],
    ['https://a.example/a%2Fb', 'a.example/a%2Fb'],
    ['https://a.example/a%20b', 'a.example/a%20b'],
    ['https://a.example/%E2%80%AEx', 'a.example/%E2%80%AEx'],
    ['https://a.example/%E3%85%A4', 'a.example/%E3%85%A4'],
    ['https://xn--mnchen-3ya.example/', 'münchen.example'],
    ['https://xn--e1afmkfd.xn--p1ai/', 'пример.рф'],
    ['https://xn--r8jz45g.xn--zckzah/', '例え.テスト'],
    ['https://xn--80ak6aa92e.com/', 'xn--80ak6aa92e.com'], // аррӏе
    ['https://gооgle.example/', 'xn--ggle-55da.example'], // two letters of it are Cyrillic
    ['https://ɡoogle.example/', 'xn--oogle-qmc.example'],
    ['https://οοο.example/', 'xn--0xaaa.example'], // Greek
    [`https://a.example/${'日'.repeat(50)}`, `a.example/${'日'.repeat(29)}…`],
    [`https://a.example/${'👨‍👩‍👧‍👦'.repeat(50)}`, `a.example/${'👨‍👩‍👧‍👦'.repeat(29)}…`],
  ] as const)
    assert.deepEqual(labels(address), [label])
  assert.deepEqual(labels('https://a.example/x?y=1', 'https://a.example/x?y=%E6%97%A5#z'), [
    'a.example/x?y=1',
    'a.example/x?y=日#z',
  ])
  assert.deepEqual(labels('https://a.example/x?y', 'https://a.example/x?y'), [
    'a.example/x',
    'a.example/x',
  ])
})

test('a link has a direction of its own, and what is no link is escaped', () => {
  const html = (text: string) => LinkedText({ children: text }).toString()
  assert.equal(html('<b>'), '&lt;b&gt;')
  assert.equal(html('a @Bob <'), 'a <a href="/@bob" dir="auto">@Bob</a> &lt;')
  assert.equal(html('#東京'), '<a href="/tag/%E6%9D%B1%E4%BA%AC" dir="auto">#東京</a>')
  assert.equal(
    html('https://a.example/?a="&b'),
    '<a href="https://a.example/?a=" dir="ltr" rel="nofollow ugc noopener" target="_blank">a.example</a>&quot;&amp;b',
  )
})
