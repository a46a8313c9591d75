// Stories of search: which posts and people a query finds, in many scripts.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, type Answer, type Someone, type TestApp } from '../../../test/harness.ts'
import { tagsOf } from '../../base/parse-text.ts'

const ids = ({ text }: Answer) =>
  [...text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))
const people = ({ text }: Answer) =>
  [...text.matchAll(/class="handle">@(\w+)<\/span>[\s\S]*?<\/article>/g)].map(
    ([, handle]) => handle,
  )
const address = (q: string, more = '') => `/search?q=${encodeURIComponent(q)}${more}`

const posts: Record<string, string> = {
  tea: 'A cup of tea on the pier',
  teach: 'They teach the gulls to read',
  house: 'The tea house opens at nine',
  houseTea: 'A house without tea is a cage',
  cat: 'Look, a #cat in the sun',
  catalog: 'The new #catalog is here',
  Cat: 'One more #Cat, asleep',
  plainCat: 'A cat without a tag',
  foo: 'We ship #foo_bar today',
  fooOnly: 'We ship #foo today, with a bar',
  nums: 'Number #123 is called',
  wide: 'Wide ＃東京 sign',
  tokyoTag: '#東京タワー at night',
  tokyo: 'Tokyo Tower 東京 again',
  kyoto: '京都と大阪へ行きました',
  both: '東京から大阪まで新幹線で',
  kana: 'ラーメンが食べたい',
  mixed: '今日はiPhoneを買った',
  seoul: '서울에서 커피를 마셨다',
  viet: 'Phở Việt Nam ngon quá',
  ki: 'यह राम की किताब है',
  ka: 'यह राम का घर है',
  tamil: 'தமிழ் மொழி அழகானது',
  tag3: 'नमस्ते #हिन्दी',
  tag4: 'வணக்கம் #தமிழ்',
  bangla: 'আমি বাংলায় গান গাই',
  thai: 'ฉันรักภาษาไทยมาก',
  lao: 'ຂ້ອຍຮັກພາສາລາວ',
  khmer: 'ខ្ញុំស្រឡាញ់ភាសាខ្មែរ',
  burma: 'မြန်မာစကားကို ချစ်တယ်',
  russian: 'Ёлка стоит во дворе',
  jod: 'Ещё один йод',
  greek: 'ΣΊΣΥΦΟΣ και η πέτρα',
  hebrew: 'שלום לכולם',
  arabic: 'مرحبا بالعالم #سلام',
  persian: 'می‌خواهم بروم #کتاب‌خانه',
  turkish: 'Şişli yolunda',
  polish: 'Łódź jest ładna, żółw też',
  french: "L'été à Besançon, #déjà_vu",
  georgian: 'საქართველო მშვენიერია',
  armenian: 'Բարեւ աշխարհ',
  amharic: 'ሰላም ለዓለም',
  party: 'We won 🎉 tonight',
  cake: 'Cake 🎂 and 🎉',
  heart: 'I ❤️ gulls',
  smile: 'Fine :) really',
  percent: 'It rose by 50% today',
  under: 'snake_case and camelCase',
  address: 'see https://a.example/x#anchor for it',
  email: 'nobody#tagged here',
}

type Example = [query: string, found: string[]]
/** What a query finds once it is sent; the newest comes first. */
const examples: Example[] = [
  ['tea', ['tea', 'house', 'houseTea']],
  ['TEA', ['tea', 'house', 'houseTea']],
  ['teach', ['teach']],
  ['teac', []],
  ['tea house', ['house', 'houseTea']],
  ['"tea house"', ['house']],
  ['“tea house”', ['house']],
  ['„tea house“', ['house']],
  ['«tea house»', ['house']],
  ['"the tea house opens"', ['house']],
  ['"the house tea opens"', []],
  ['"tea', ['tea', 'house', 'houseTea']],
  ['"tea house" nine', ['house']],
  ['"tea house" pier', []],
  ['#cat', ['cat', 'Cat']],
  ['#CAT', ['cat', 'Cat']],
  ['＃cat', ['cat', 'Cat']],
  ['cat', ['cat', 'Cat', 'plainCat']],
  ['#cat sun', ['cat']],
  ['#cat #catalog', []],
  ['#catalog', ['catalog']],
  ['#foo_bar', ['foo']],
  ['#foo', ['fooOnly']],
  ['foo bar', ['foo', 'fooOnly']],
  ['foo_bar', ['foo', 'fooOnly']],
  ['gulls read They the to teach', ['teach']],
  ['gulls read They the to teach tea', []],
  ['Tết viet nam ngon qua pho', []],
  ['viet nam ngon qua pho pho quá', ['viet']],
  ['#123', ['nums']],
  ['#東京', ['wide']],
  ['#東京タワー', ['tokyoTag']],
  ['#हिन्दी', ['tag3']],
  ['#ह', []],
  ['#தமிழ்', ['tag4']],
  ['#سلام', ['arabic']],
  ['#کتاب‌خانه', ['persian']],
  ['#déjà_vu', ['french']],
  ['#deja_vu', ['french']],
  ['#anchor', []],
  ['#tagged', []],
  ['東京 大阪', ['both']],
  ['大阪 東京', ['both']],
  ['大阪', ['kyoto', 'both']],
  ['tokyo 東京', ['tokyo']],
  ['東京 tokyo', ['tokyo']],
  ['東京 tea', []],
  ['"大阪へ行き"', ['kyoto']],
  ['「大阪まで」', ['both']],
  ['ラーメン', ['kana']],
  ['iPhone', []],
  ['iphoneを', ['mixed']],
  ['서울', ['seoul']],
  ['서울에서', ['seoul']],
  ['커피', ['seoul']],
  ['viet', ['viet']],
  ['Việt', ['viet']],
  ['pho viet', ['viet']],
  ['की', ['ki']],
  ['का', ['ka']],
  ['राम', ['ki', 'ka']],
  ['தமிழ்', ['tamil', 'tag4']],
  ['தமிழ', []],
  ['বাংলায়', ['bangla']],
  ['ภาษา', ['thai']],
  ['ไทย รัก', ['thai']],
  ['ພາສາ', ['lao']],
  ['ភាសា', ['khmer']],
  ['စကား', ['burma']],
  ['ёлка', ['russian']],
  ['ЁЛКА', ['russian']],
  ['йод', ['jod']],
  ['иод', []],
  ['σίσυφος', ['greek']],
  ['שלום', ['hebrew']],
  ['مرحبا', ['arabic']],
  ['می‌خواهم', ['persian']],
  ['sisli', ['turkish']],
  ['Łódź', ['polish']],
  ['zołw', ['polish']],
  ['besancon', ['french']],
  ['ete', ['french']],
  ['საქართველო', ['georgian']],
  ['ԱՇԽԱՐՀ', ['armenian']],
  ['ሰላም', ['amharic']],
  ['🎉', ['party', 'cake']],
  ['🎉 🎂', ['cake']],
  ['won 🎉', ['party']],
  ['🎉 won', ['party']],
  ['🎉 cup', []],
  ['❤', ['heart']],
  ['❤️', ['heart']],
  [':)', ['smile']],
  ['%', ['percent']],
  ['50%', ['percent']],
  ['snake_case', ['under']],
  ['_', ['foo', 'french', 'under']],
  ['"', []],
]

/** What is found while one types. */
const typed: Example[] = [
  ['tea', ['tea', 'teach', 'house', 'houseTea']],
  ['t', []],
  ['a', ['tea', 'houseTea', 'cat', 'plainCat', 'fooOnly', 'french', 'address']],
  ['teac', ['teach']],
  ['catalo', ['catalog']],
  ['tea hou', ['house', 'houseTea']],
  ['hou tea', []],
  ['"tea house"', ['house']],
  ['"tea" hou', ['house', 'houseTea']],
  ['#ca', ['cat', 'catalog', 'Cat']],
  ['#foo_b', ['foo']],
  ['#हिन्', ['tag3']],
  ['saq', []],
  ['besanç', ['french']],
  ['東', ['wide', 'tokyoTag', 'tokyo', 'both']],
]

async function written(app: TestApp): Promise<{ alice: Someone; byId: Map<number, string> }> {
  const alice = await app.person('Alice')
  const byId = new Map<number, string>()
  for (const [name, msg] of Object.entries(posts)) byId.set(await alice.tweet(msg), name)
  return { alice, byId }
}

test(`found by: ${examples.length + typed.length} queries in many scripts`, async () => {
  await using app = await startApp()
  const { alice, byId } = await written(app)
  const wrong: unknown[] = []
  const order = Object.keys(posts)
  for (const [list, as] of [
    [examples, 'browser'],
    [typed, 'htmx'],
  ] as const) {
    for (const [q, expected] of list) {
      const answer = await alice.get(address(q), { as })
      const found = ids(answer).map((id) => byId.get(id))
      const wanted = expected.toSorted((a, b) => order.indexOf(b) - order.indexOf(a))
      if (JSON.stringify(found) !== JSON.stringify(wanted)) wrong.push({ q, as, found, wanted })
      const many = wanted.length === 1 ? '1 tweet found' : `${wanted.length} tweets found`
      if (q !== '"' && !answer.text.includes(many)) wrong.push({ q, many })
    }
  }
  assert.deepEqual(wrong, [])
})

test('hashtags as they stand in a text', () => {
  const table: [string, string[]][] = [
    ['#cat and #catalog', ['cat', 'catalog']],
    ['#हिन्दी #தமிழ் #كِتَاب', ['हिन्दी', 'தமிழ்', 'كِتَاب']],
    ['＃東京 #foo_bar #123 #1st', ['東京', 'foo_bar', '1st']],
    ['a#b &#39; ##x https://a.example/#y', []],
    ['(#zwnj‌#کتاب‌خانه)', ['zwnj', 'کتاب‌خانه']],
  ]
  for (const [msg, tags] of table) assert.deepEqual(tagsOf(msg), tags, msg)
})

test('a search that is sent from the field of the page finds whole words; from the keys, beginnings', async () => {
  await using app = await startApp()
  const { alice, byId } = await written(app)
  const found = async (source: string) => {
    const answer = await alice.get(address('teac'), {
      as: 'htmx',
      headers: { 'HX-Source': source },
    })
    return ids(answer).map((id) => byId.get(id))
  }
  assert.deepEqual(await found('form'), [])
  assert.deepEqual(await found('input#q'), ['teach'])
})

/** Signs up under each name; gives the way to search as the first of them. */
async function town(app: TestApp, names: string[]) {
  const all: (Someone & { id: number })[] = []
  for (const [index, name] of names.entries()) {
    const who = app.visitor()
    const mailaddress = `n${index}@example.org`
    await who.post('/register', { name, mailaddress, password: 'long enough' })
    all.push(Object.assign(who, { id: index + 1 }))
  }
  const find = async (q: string) =>
    people(await all[0]!.get(address(q, '&type=people'), { as: 'browser' }))
  return { all, find }
}

test('people are found by the beginning of any word of their name or handle', async () => {
  await using app = await startApp()
  const { all, find } = await town(app, [
    'Mara Lindqvist',
    'Otto Brandt',
    'Lucía Ortega',
    'Nguyễn Văn Việt',
    '田中 太郎',
    'Марина Ёлкина',
    'José Linden',
    'दीपा राव',
    '김민수',
    'Party 🎉 Owl',
  ])
  const table: [string, string[]][] = [
    ['Mara Lindqvist', ['mara_lindqvist']],
    ['lindqvist mara', ['mara_lindqvist']],
    ['mara_lindqvist', ['mara_lindqvist']],
    ['@mara_lindqvist', ['mara_lindqvist']],
    ['@MARA', ['mara_lindqvist']],
    ['m', ['mara_lindqvist']],
    ['lind', ['jose_linden', 'mara_lindqvist']],
    ['lind jo', ['jose_linden']],
    ['lindqvistx', []],
    ['lucia', ['lucia_ortega']],
    ['LUCÍA', ['lucia_ortega']],
    ['viet', ['nguyen_van_viet']],
    ['nguyen viet', ['nguyen_van_viet']],
    ['田中', ['u5']],
    ['太郎', ['u5']],
    ['太郎 田中', ['u5']],
    ['ёлк', ['u6']],
    ['ЁЛКИНА', ['u6']],
    ['мари', ['u6']],
    ['दीपा', ['u8']],
    ['दीपि', []],
    ['김', ['u9']],
    ['김민', ['u9']],
    ['u6', ['u6']],
    ['🎉', ['party_owl']],
    ['owl 🎉', ['party_owl']],
    ['"Otto Brandt"', ['otto_brandt']],
    ['example', []],
    ['#mara', []],
  ]
  for (const [q, handles] of table) {
    assert.deepEqual(await find(q), handles, q)
  }
  // Who has more followers comes first, but for the one whose very handle it is.
  await all[1]!.post('/follow/1')
  assert.deepEqual(await find('lind'), ['mara_lindqvist', 'jose_linden'])
  assert.deepEqual(await find('jose_linden'), ['jose_linden'])
})

test('people: a new name, an end and a suspension are seen at once', async () => {
  await using app = await startApp()
  const { all, find } = await town(app, ['Ann Walrus', 'Ben Walrus', 'Cleo Walrus'])
  assert.deepEqual(await find('walrus'), ['cleo_walrus', 'ben_walrus', 'ann_walrus'])
  await all[1]!.post('/account/profile', { name: 'Ben Otter', bio: '' })
  assert.deepEqual(await find('otter'), ['ben_walrus'])
  assert.deepEqual(await find('ben walrus'), ['ben_walrus'], 'the handle stays')
  await app.database.db.run(sql`update users set suspended_at = 1 where id = 3`)
  assert.deepEqual(await find('walrus'), ['ben_walrus', 'ann_walrus'])
  await all[1]!.post('/account/delete', { farewell: 'long enough' })
  assert.deepEqual(await find('walrus'), ['ann_walrus'])
  assert.deepEqual(await find('otter'), [])
})

test('tabs Posts and People: three people on top of the posts, all of them page by page', async () => {
  await using app = await startApp()
  const names = Array.from({ length: 25 }, (_, index) => `Wren ${String.fromCharCode(97 + index)}b`)
  const { all } = await town(app, names)
  const [me] = all
  const id = await me!.tweet('a wren sings')
  const first = await me!.get(address('wren'), { as: 'browser' })
  assert.deepEqual(ids(first), [id])
  assert.match(first.text, /1 tweet found/)
  assert.equal(
    people(first).filter((handle) => handle?.startsWith('wren_')).length,
    4,
    'three, and the author',
  )
  assert.match(first.text, /aria-current="page">Posts<\/a>/)
  assert.match(first.text, /href="\/search\?q=wren&amp;type=people"[^>]*>People<\/a>/)
  assert.match(first.text, /type=people">All people/)
  const list = await me!.get(address('wren', '&type=people'), { as: 'browser' })
  assert.match(list.text, /aria-current="page">People<\/a>/)
  assert.match(list.text, /<input type="hidden" name="type" value="people"\/?>/)
  assert.deepEqual(ids(list), [])
  assert.equal(people(list).length, 20)
  const next = /hx-get="([^"]*before=[^"]*)"/.exec(list.text)![1]!.replaceAll('&amp;', '&')
  assert.match(next, /type=people/)
  const rest = await me!.get(next, { as: 'htmx' })
  assert.equal(new Set([...people(list), ...people(rest)]).size, 25)
  const through = rest.headers.get('HX-Replace-Url')!
  assert.equal(people(await me!.get(through, { as: 'browser' })).length, 25)
  const begun = await me!.get(address('wre', '&limit=1'), { as: 'htmx' })
  assert.match(begun.text, /1 tweet found/)
  const fast = await me!.get(address('wren sin'), { as: 'htmx' })
  assert.match(fast.text, /class="tabs"/)
  assert.equal((await me!.get(address('wren', '&type=cats'))).status, 200)
  assert.match((await me!.get(address('', '&type=people'))).text, /Please enter a name/)
})

test('the list goes on: tags and mixed searches page by cursor, too', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const { db } = app.database
  await db.run(sql`insert into tweets (user_id, msg, created_at)
    with recursive s(n) as (select 1 union all select n + 1 from s where n < 130)
    select ${alice.id}, iif(n % 2, '#gull 東京 🎉', '#gulls gull 東京'), 1 from s`)
  for (const [q, count] of [
    ['#gull', 65],
    ['gull 東京', 130],
    ['gull 🎉', 65],
    ['"#gull 東京"', 65],
  ] as const) {
    const seen: number[] = []
    let path: string | undefined = address(q, '&limit=30')
    let through: string | null = null
    const first = await alice.get(path, { as: 'browser' })
    assert.match(
      first.text,
      new RegExp(count > 100 ? '100\\+ tweets found' : `${count} tweets found`),
    )
    for (let answer = first; ;) {
      seen.push(...ids(answer))
      path = /hx-get="([^"]*before=[^"]*)"/.exec(answer.text)?.[1]?.replaceAll('&amp;', '&')
      if (path === undefined) break
      answer = await alice.get(path, { as: 'htmx' })
      through = answer.headers.get('HX-Replace-Url') ?? through
    }
    assert.equal(seen.length, count, q)
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => b - a),
    )
    assert.deepEqual(ids(await alice.get(through!, { as: 'browser' })), seen)
  }
})
