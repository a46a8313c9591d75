// Title and description of pages: what they are, in which charset, and that hostile pages cost no time.
import assert from 'node:assert/strict'
import test from 'node:test'

import { readHead } from './page-head.ts'
import { decodePage } from './read-body.ts'

test('title and description, those for previews first; entities are decoded, markup is not read from texts', () => {
  for (const [html, title, description] of [
    ['<title>One</title>', 'One', undefined],
    ['<TITLE class=x>A &amp; B &eacute; &#8217; &#x1F600;</TITLE>', 'A & B é ’ 😀', undefined],
    ['<title>One</title><meta property="og:title" content="Two">', 'Two', undefined],
    [`<meta content='It&apos;s "it"' name=Description><title>T</title>`, 'T', `It's "it"`],
    ['<meta name="og:title" content="N"><meta property=og:description content=D>', 'N', 'D'],
    ['<meta property="og:title" content=" "><title>One</title>', 'One', undefined],
    ['<title></title><title>Second</title>', 'Second', undefined],
    ['<title>a<b>c</title>', 'a<b>c', undefined],
    ['<!-- <title>no</title> --><title>yes</title>', 'yes', undefined],
    ['<script>"<title>no</title>"</script><title>yes</title>', 'yes', undefined],
    ['<style><title>no</title></style><title>yes</title>', 'yes', undefined],
    ['<a title="> <title>no</title>"><title>yes</title>', 'yes', undefined],
    ['<body><title>no</title>', undefined, undefined],
    ['</head><title>no</title>', undefined, undefined],
    ['<svg><title>no</title></svg>', undefined, undefined],
    ['<title>never ends', undefined, undefined],
    ['<script>never ends <title>no</title>', undefined, undefined],
    [
      '<meta property="og:title" content="first"><meta property="og:title" content="x">',
      'first',
      undefined,
    ],
    ['<meta/property="og:title"/content="slashes"/>', 'slashes', undefined],
    ['<?xml version="1.0"?><!doctype html>< p><title>t</title>', 't', undefined],
    ['', undefined, undefined],
    ['\u0000<', undefined, undefined],
  ] as const)
    assert.deepEqual(readHead(html), { title, description }, html)
})

test('a page of 512 KB is read in linear time, whatever it has', () => {
  const size = 512 * 1024
  const fill = (text: string, before = '', after = '') =>
    before + text.repeat(size / text.length) + after
  const one = (html: string) => {
    const started = performance.now()
    readHead(html)
    return performance.now() - started
  }
  one(fill('<a b="c">'))
  for (const text of [
    '<',
    '<meta ',
    '<a b="',
    `<a b='c" d="e' `,
    '<!--',
    '<script>',
    '<title>',
    '<!',
  ].concat(['<script></script>', '</', '<a ='])) {
    // They take up to 0.05 s; quadratic time would be minutes.
    assert.ok(one(fill(text)) < 5000, text)
    for (const before of ['<a ', '<meta content="', '<title>', "<meta content='"])
      assert.ok(one(fill(text, before)) < 5000, before + text)
  }
  for (const text of [' ', '=', '/', 'a', 'a ', 'a =', '&amp;', '&', '"', "'"])
    for (const before of ['<a ', '<meta content="', '<title>'])
      assert.ok(one(fill(text, before, '</title>')) < 5000, before + text)
})

test('charsets: of the header, the byte order mark or a meta, else UTF-8; one that nobody knows is refused', () => {
  const latin = (text: string) => Buffer.from(text, 'latin1')
  const html = 'text/html'
  for (const [bytes, type, text] of [
    [Buffer.from('é'), html, 'é'],
    [latin('é'), 'text/html; charset=ISO-8859-1', 'é'],
    [latin('é'), 'text/html;charset="windows-1252"', 'é'],
    [latin('<meta charset=latin1>é'), html, '<meta charset=latin1>é'],
    [Buffer.from([0x93, 0xfa, 0x96, 0x7b]), 'text/html; charset=Shift_JIS', '日本'],
    [Buffer.from([0xcf, 0xf0, 0xe8]), 'text/html; charset=windows-1251', 'При'],
    [Buffer.from('\ufeffé'), 'text/html; charset=latin1', 'é'],
    [Buffer.from('\ufeffé', 'utf16le'), html, 'é'],
    [Buffer.from('<meta charset=utf-16>é'), html, '<meta charset=utf-16>é'],
    [
      latin('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">\xf0'),
      html,
      '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">П',
    ],
  ] as const)
    assert.equal(decodePage(bytes, type), text)
  for (const [bytes, type] of [
    [Buffer.from('x'), 'text/html; charset=klingon'],
    [Buffer.from('x'), 'text/html; charset=utf-7'],
    [Buffer.from('x'), 'text/html; charset=iso-2022-kr'],
    [latin('<meta charset=nonsense>'), html],
    [latin('\xe9'), html],
  ] as const)
    assert.throws(() => decodePage(bytes, type), /^Unfit: charset$/, type)
})
