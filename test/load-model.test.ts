// A wrong traffic model is refused with one sentence, the same one in JavaScript and in Python.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import { readModel } from '../loadtest/k6/model.js'
import { scratch } from './process.ts'

const standard = readFileSync(new URL('../loadtest/model.json', import.meta.url), 'utf8')

/** Changes that the types of a right model forbid. */
// oxlint-disable-next-line typescript/no-explicit-any -- that is what is tried here
type Loose = any

const mistakes: [string, (model: Loose) => void][] = [
  ['it needs the field "mixes".', (model) => delete model.mixes],
  ['it has the field "mixe", which means nothing there.', (model) => (model.mixe = {})],
  [
    'mixes.original names the user "Bot", which does not exist.',
    (m) => m.mixes.original.push('Bot'),
  ],
  ['users.LurkerUser.tasks must not be empty.', (m) => (m.users.LurkerUser.tasks = {})],
  ['users.LurkerUser needs the field "wait".', (m) => delete m.users.LurkerUser.wait],
  [
    'users.LurkerUser.wait must be two numbers, the smaller one first.',
    (m) => (m.users.LurkerUser.wait = [5, 1]),
  ],
  [
    'users.LurkerUser.tasks.check_trends.weight must be a number above 0.',
    (m) => (m.users.LurkerUser.tasks.check_trends.weight = 0),
  ],
  [
    'users.LurkerUser.tasks.check_trends names the request "trend", which does not exist.',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0].request = 'trend'),
  ],
  [
    'a step of users.LurkerUser.tasks.check_trends has the field "repeat", which means nothing there.',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0].repeat = 3),
  ],
  [
    'a step of users.LurkerUser.tasks.check_trends.times must be two whole numbers, the smaller one first.',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0].times = [0.5, 2]),
  ],
  [
    'a step of users.LurkerUser.tasks.check_trends must have one of "request", "pause", "steps" and "oneOf".',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0] = {}),
  ],
  [
    'users.LurkerUser.tasks.browse_profiles does not say where {id} of the request "user" comes from.',
    (m) => delete m.users.LurkerUser.tasks.browse_profiles.steps[0].with,
  ],
  [
    'users.LurkerUser.tasks.search_content, {q} names the list "wurds", which does not exist.',
    (m) => (m.users.LurkerUser.tasks.search_content.steps[0].with.q.of = 'wurds'),
  ],
  [
    'requests.user.path must begin with "/": load goes to the target alone.',
    (m) => (m.requests.user.path = 'http://example.org/user/{id}'),
  ],
  ['requests.user.method must be GET or POST.', (m) => (m.requests.user.method = 'PUT')],
  [
    'requests.user names the answer "page!", which does not exist.',
    (m) => (m.requests.user.answer = 'page!'),
  ],
  [
    'requests.trends.answer does not say what "htmx" gets.',
    (m) => (m.requests.trends.answer = { program: 'page', browser: 'page' }),
  ],
  [
    'requests.login.fields must be an object of texts.',
    (m) => (m.requests.login.fields.password = 1),
  ],
  ['answers.page.status must be a list of statuses.', (m) => (m.answers.page.status = ['200'])],
  ['groups.pages needs the field "p95".', (m) => delete m.groups.pages.p95],
  [
    'shapes.ramp[0].users must be a share above 0 and up to 1.',
    (m) => (m.shapes.ramp[0].users = 2),
  ],
  ['target[0] needs the field "else".', (m) => delete m.target[0].else],
  [
    'target[0].else has {adress}, which means nothing there.',
    (m) => (m.target[0].else = 'no {adress}'),
  ],
  ['target names the account "demo", which does not exist.', (m) => delete m.accounts.demo],
  [
    'users.APIStressUser.tasks.rapid_tweet_posting does not say where {msg} of the request "tweet" comes from.',
    (m) => delete m.users.APIStressUser.tasks.rapid_tweet_posting.steps[0].with,
  ],
  [
    'accounts.demo does not say where {nickname} of the request "login as demo" comes from.',
    (m) => (m.requests['login as demo'].fields.mailaddress = '{nickname}'),
  ],
  [
    'askers.htmx.headers.Referer has {there}, which means nothing there.',
    (m) => (m.askers.htmx.headers.Referer = '{target}{there}'),
  ],
  ['sights.tweet must be a regular expression.', (m) => (m.sights.tweet = '(')],
]

test('a wrong model is refused with one sentence, the same one in JavaScript and in Python', () => {
  using place = scratch()
  const files = mistakes.map(([, change], at) => {
    const model: Loose = JSON.parse(standard)
    change(model)
    const file = `${place.folder}/wrong-${at}.json`
    writeFileSync(file, JSON.stringify(model))
    return file
  })
  const broken = `${place.folder}/broken.json`
  writeFileSync(broken, '{ "users": NaN }')
  for (const [at, [sentence]] of mistakes.entries()) {
    const text = readFileSync(files[at]!, 'utf8')
    assert.throws(() => readModel(text), { message: `The model cannot be used: ${sentence}` })
  }
  assert.throws(() => readModel(readFileSync(broken, 'utf8')), /^Error: The model is not JSON: /)
  const python = spawnSync('python3', ['loadtest/locust/model.py', ...files, broken], {
    encoding: 'utf8',
  })
  const said = python.stderr.trim().split('\n')
  assert.deepEqual(
    said.slice(0, -1),
    mistakes.map(([sentence]) => `The model cannot be used: ${sentence}`),
  )
  assert.match(said.at(-1)!, /^The model is not JSON: .*\.$/)
  assert.equal(python.status, 1)
})

test('the model that is shipped is right for both', () => {
  readModel(standard)
  assert.equal(spawnSync('python3', ['loadtest/locust/model.py']).status, 0)
})
