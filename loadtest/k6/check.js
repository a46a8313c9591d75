// What a traffic model must look like: refuses a wrong one with one sentence that names the place.
// ../locust/check.py does the same in Python, in the same words.

import { checkFields, isPattern, isText, isTexts, known, refuse } from './fields.js'
import { checkRequested, checkSources, checkSteps, checkTexts } from './steps.js'

/** Checks every entry of one part of the model. */
function checkEach(part, where, given, more) {
  if (Object.keys(part).length === 0) refuse(`${where} must not be empty.`)
  for (const [name, value] of Object.entries(part)) {
    checkFields(`${where}.${name}`, value, given)
    if (more) more(value, `${where}.${name}`)
  }
}

const partsOfModel = {
  users: 'object',
  mixes: 'object',
  shapes: 'object',
  accounts: 'object',
  smoke: 'object',
  target: 'list',
  requests: 'object',
  answers: 'object',
  askers: 'object',
  groups: 'object',
  sights: 'named',
  lists: 'object',
}

/** Throws an Error with one sentence when the model cannot be used. */
export function checkModel(model) {
  checkFields('it', model, partsOfModel)
  checkEach(model.groups, 'groups', { p95: 'weight', bytes: 'weight' })
  checkEach(model.askers, 'askers', { answersLike: 'text', headers: 'named' }, (one, where) =>
    checkTexts(one.headers, ['target', 'here'], `${where}.headers`),
  )
  checkEach(model.answers, 'answers', {
    status: 'statuses',
    'type?': 'text',
    'has?': 'texts',
    'lacks?': 'texts',
    'location?': 'text',
  })
  checkEach(model.requests, 'requests', requestFields, (one, where) =>
    checkRequest(model, one, where),
  )
  checkEach(
    model.accounts,
    'accounts',
    {
      count: 'whole',
      name: 'text',
      mailaddress: 'text',
      password: 'text',
      login: 'text',
      register: 'text',
      'first?': 'text',
    },
    (one, where) => {
      if (!['login', 'register'].includes(one.first ?? 'login'))
        refuse(`${where}.first must be login or register.`)
      for (const deed of ['login', 'register'])
        checkRequested(model, one[deed], accountVariables, where)
    },
  )
  for (const [name, pattern] of Object.entries(model.sights))
    if (!isPattern(pattern)) refuse(`sights.${name} must be a regular expression.`)
  for (const [name, list] of Object.entries(model.lists))
    if (!isTexts(list)) refuse(`lists.${name} must be a list of texts.`)
  checkEach(model.users, 'users', userFields, (one, where) => checkUser(model, one, where))
  for (const [name, mix] of Object.entries(model.mixes)) {
    if (!isTexts(mix)) refuse(`mixes.${name} must be a list of texts.`)
    for (const user of mix) known(model.users, user, `mixes.${name}`, 'user')
  }
  for (const [name, stages] of Object.entries(model.shapes)) {
    if (!Array.isArray(stages) || stages.length === 0)
      refuse(`shapes.${name} must be a list that is not empty.`)
    stages.forEach((stage, at) =>
      checkFields(`shapes.${name}[${at}]`, stage, { seconds: 'weight', users: 'share' }),
    )
  }
  checkSmoke(model)
  known(model.accounts, 'demo', 'target', 'account')
  known(model.askers, 'program', 'target', 'asker')
  model.target.forEach((check, at) => checkTarget(model, check, `target[${at}]`))
}

function checkTarget(model, check, where) {
  checkFields(where, check, { request: 'text', 'times?': 'whole', 'with?': 'object', else: 'text' })
  const given = [...accountVariables, ...checkSources(model, check, where)]
  checkRequested(model, check.request, given, where)
  checkTexts({ else: check.else }, [...given, 'target', 'status', 'count'], where)
}

const requestFields = {
  method: 'text',
  path: 'text',
  'name?': 'text',
  group: 'text',
  'fields?': 'named',
  answer: 'answer',
  'sees?': 'texts',
}
const userFields = {
  weight: 'weight',
  wait: 'range',
  as: 'text',
  'account?': 'text',
  'welcome?': 'list',
  tasks: 'object',
}
function checkRequest(model, { method, path, group, answer, sees = [] }, where) {
  if (method !== 'GET' && method !== 'POST') refuse(`${where}.method must be GET or POST.`)
  if (!/^(\/|\{\w+\}$)/.test(path))
    refuse(`${where}.path must begin with "/": load goes to the target alone.`)
  known(model.groups, group, where, 'group')
  for (const { answersLike } of Object.values(model.askers)) {
    const name = isText(answer) ? answer : answer[answersLike]
    if (name === undefined) refuse(`${where}.answer does not say what "${answersLike}" gets.`)
    known(model.answers, name, where, 'answer')
  }
  for (const name of sees) known(model.sights, name, where, 'sight')
}

function checkUser(model, { as, account, welcome = [], tasks }, where) {
  known(model.askers, as, where, 'asker')
  if (account !== undefined) known(model.accounts, account, where, 'account')
  const given = account === undefined ? [] : accountVariables
  checkSteps(model, welcome, `${where}.welcome`, given)
  checkEach(
    tasks,
    `${where}.tasks`,
    { weight: 'weight', 'atMost?': 'counts', steps: 'list' },
    (task, place) => checkSteps(model, task.steps, place, given),
  )
}

function checkSmoke(model) {
  const { smoke } = model
  checkFields('smoke', smoke, {
    users: 'whole',
    as: 'texts',
    pause: 'range',
    account: 'object',
    steps: 'list',
  })
  checkFields('smoke.account', smoke.account, {
    name: 'text',
    mailaddress: 'text',
    password: 'text',
  })
  for (const asker of smoke.as) known(model.askers, asker, 'smoke', 'asker')
  checkSteps(model, smoke.steps, 'smoke', accountVariables)
}

const accountVariables = ['name', 'mailaddress', 'password']
