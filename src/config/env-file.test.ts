// Every line of a `.env` file is understood, or the start fails and names the lines that are wrong.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { parseEnv as nodesParseEnv } from 'node:util'

import { parseEnv, readEnvFile } from './env-file.ts'
import { StartError } from './start-error.ts'

const settings = ['DEMO', 'PORT', 'OPERATORS', 'DATABASE_URL', 'DATABASE_AUTH_TOKEN']
const read = (text: string) =>
  Object.fromEntries(parseEnv(text, { path: '.env', settings }).entries())

/** A folder for the files of one test, removed afterwards. */
function scratch() {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

const wellWritten = [
  '',
  'DEMO=0',
  'DEMO=0\n',
  'DEMO=0\r\nPORT=5001\r\n',
  '# a comment\n\n# another\nDEMO=0',
  '  DEMO = 0  ',
  'export DEMO=0',
  'export DEMO=0\nexport=1',
  'DEMO=0 # private',
  'DEMO=',
  'DEMO= # nothing',
  'DEMO="0"',
  "DEMO='0' # private",
  'DEMO=`0`',
  "DEMO = '0'",
  'OPERATORS="a@example.org b@example.org"',
  'OPERATORS=a@example.org b@example.org',
  'A="with # inside"',
  'A="line\\nline"',
  "A='line\\nline'",
  'A="it\'s"',
  'A=x=y==',
  'A=$B ${C}',
  'A=a"b"c',
  'A="-----BEGIN-----\nabc==\nQ==\n-----END-----"\nDEMO=0',
  'DEMO=1\nDEMO=0',
  'my.name-1=x',
  'DEMOO=0',
  'OTHER=programs\nvariables=too',
  'A=größe',
]

test('a file without mistakes is parsed as Node parses it', () => {
  for (const text of wellWritten) assert.deepEqual(read(text), { ...nodesParseEnv(text) }, text)
})

test('a line ends with LF, CRLF or CR, and spaces and tabs may surround its parts', () => {
  assert.deepEqual(read('\tDEMO\t=\t0\t# private'), { DEMO: '0' })
  assert.deepEqual(read('export \t DEMO=0'), { DEMO: '0' })
  assert.deepEqual(read('A=1\n\n  # one\nDEMO=0'), { A: '1', DEMO: '0' })
  const both = { DEMO: '0', PORT: '5001' }
  for (const end of ['\n', '\r\n', '\r'])
    assert.deepEqual(read(`DEMO=0${end}PORT=5001${end}`), both)
})

const wrong: [text: string, sentence: string][] = [
  ['# one\n\nDEMO: 0', '.env line 3: "DEMO: 0" is not NAME=value.'],
  ['\r\nDEMO: 0\r\n', '.env line 2: "DEMO: 0" is not NAME=value.'],
  ['DEMO 0', '.env line 1: "DEMO 0" is not NAME=value.'],
  ['DEMO', '.env line 1: "DEMO" is not NAME=value.'],
  ['export DEMO', '.env line 1: "export DEMO" is not NAME=value.'],
  ['set DEMO=0', '.env line 1: "set \u2026" is not NAME=value.'],
  ['=0', '.env line 1: "=0\u2026" is not NAME=value.'],
  ['1DEMO=0', '.env line 1: "1DEM\u2026" is not NAME=value.'],
  ['; DEMO=0', '.env line 1: "; DE\u2026" is not NAME=value.'],
  ['[web]\nDEMO=0', '.env line 1: "[web\u2026" is not NAME=value.'],
  ['A=1\n\ufeffDEMO=0', '.env line 2: "?DEM\u2026" is not NAME=value.'],
  ['\u00a0DEMO=0', '.env line 1: "?DEM\u2026" is not NAME=value.'],
  ['\u200bDEMO=0', '.env line 1: "?DEM\u2026" is not NAME=value.'],
  ['demo=0', '.env line 1: the setting is called DEMO, in capital letters.'],
  ['DEMO=0\0', '.env line 1: it has a control character (U+0000).'],
  ['A=1\nDEMO=\u001b[0m0', '.env line 2: it has a control character (U+001B).'],
  ['A="x\nDEMO=0', '.env line 1: the " before the value is not closed.'],
  ["A='x\nDEMO=0\nB='", ".env line 1: the ' before the value is not closed."],
  ['DEMO="0', '.env line 1: the " before the value is not closed.'],
  ['DEMO="0" 1', '.env line 1: there is text after the closing " of the value.'],
  ['A="x\\"y"', '.env line 1: there is text after the closing " of the value.'],
  ['DATABASE_AUTH_TOKEN=ab#cd', '.env line 1: there is a # in the value.'],
  ['DEMO=#0', '.env line 1: there is a # in the value.'],
  ['DEMO=0#private', '.env line 1: there is a # in the value.'],
]

test('the error names every line that is not understood', () => {
  for (const [text, sentence] of wrong)
    assert.throws(
      () => read(text),
      (error) => error instanceof StartError && error.message.startsWith(sentence),
      text,
    )
  const all = /^Error: \.env line 1: .*\n\.env line 2: .*\n\.env line 4: [^\n]*$/
  assert.throws(() => read('DEMO: 0\nPORT: 1\nA=1\nB'), all)
  const many = /^Error: (\.env line \d: .*\n){5}\.env: 995 more lines are wrong\.$/
  assert.throws(() => read('x\n'.repeat(1000).trim()), many)
})

test('an error does not print secrets', () => {
  const secrets = [
    'hunter2secret',
    'DATABASE_AUTH_TOKEN: hunter2secret',
    'DATABASE_URL: https://hunter2secret@host',
    'PASSWORD: hunter2secret',
    'OPERATORS: hunter2secret and a long line behind it',
    'HUNTER2SECRET',
    'A="hunter2secret',
    'A="x" hunter2secret',
    'A=x#hunter2secret',
    'my secret: hunter2secret',
  ]
  for (const text of secrets)
    assert.throws(
      () => read(text),
      (error: Error) => !/hunter2secret/i.test(error.message),
      text,
    )
})

test('a long file is parsed in linear time', () => {
  /** Microseconds of CPU for a value, and for settings, of so many lines. */
  const cpuOf = (lines: number): number => {
    const before = process.cpuUsage()
    assert.throws(() => read(`A="\n${'x\n'.repeat(lines)}`), /not closed/)
    assert.equal(Object.keys(read('A="x"\n'.repeat(lines))).length, 1)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  cpuOf(20_000) // compiles
  // 16 times the lines: 256 times the time, if it were quadratic.
  assert.ok(cpuOf(320_000) < 64 * cpuOf(20_000))
})

test('a byte-order mark is not part of the first name, and other encodings than UTF-8 are refused', () => {
  using temporary = scratch()
  const path = join(temporary.folder, '.env')
  const sayOf = (bytes: Buffer | string) => {
    writeFileSync(path, bytes)
    try {
      return Object.fromEntries(readEnvFile(path, settings))
    } catch (error) {
      assert.ok(error instanceof StartError)
      return error.message.replace(path, '.env')
    }
  }
  assert.deepEqual(sayOf('\ufeffDEMO=0\n'), { DEMO: '0' })
  assert.deepEqual(sayOf('\ufeff'), {})
  const utf16 = Buffer.from('\ufeffDEMO=0\n', 'utf16le')
  assert.equal(sayOf(utf16), '.env is UTF-16. Save it as UTF-8.')
  assert.equal(sayOf(Buffer.from(utf16).swap16()), '.env is UTF-16. Save it as UTF-8.')
  assert.match(String(sayOf(Buffer.from('DEMO=0\n', 'utf16le'))), /^\.env line 1: .*U\+0000/)
  const latin = Buffer.from('A=1\nB=2\n# gr\xfc\xdfe\nDEMO=0\n', 'latin1')
  assert.equal(sayOf(latin), '.env line 3: it is not UTF-8. Save the file as UTF-8.')
  assert.match(String(sayOf('x'.repeat(1_048_577))), /larger than 1048576 bytes/)
})

test('no file is no error; a folder, a broken link and a pipe are; /dev/null is empty', () => {
  using temporary = scratch()
  const at = (name: string) => join(temporary.folder, name)
  const says = (name: string, words: RegExp) =>
    assert.throws(
      () => readEnvFile(at(name), settings),
      (error) => error instanceof StartError && words.test(error.message),
    )
  assert.equal(readEnvFile(at('none'), settings).size, 0)
  mkdirSync(at('folder'))
  says('folder', /is a folder, not a file\.$/)
  symlinkSync('nowhere', at('dangling'))
  says('dangling', /the link leads to a file that does not exist\.$/)
  symlinkSync('circle', at('circle'))
  says('circle', /the link leads back to itself\.$/)
  execFileSync('mkfifo', [at('pipe')])
  says('pipe', /is not a file\.$/)
  symlinkSync('/dev/null', at('null'))
  assert.equal(readEnvFile(at('null'), settings).size, 0)
  writeFileSync(at('real'), 'DEMO=0')
  symlinkSync('real', at('link'))
  assert.equal(readEnvFile(at('link'), settings).get('DEMO'), '0')
})
