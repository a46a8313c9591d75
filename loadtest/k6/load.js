// The users of a mix: each runs its actions by weight and waits between them, as in Locust.
//
//     k6 run -e MIX=realistic -e USERS=100 -e SECONDS=60 loadtest/k6/load.js
//
// Environment: TARGET, MIX (realistic), USERS (50), SECONDS (60) or SHAPE (ramp, spike, soak), SPAWN (users started each second, 5),
// PATIENCE_MS (no p95 limit is below it), PACE (10: all waits are ten times shorter), TRACES (where failures' traces are).
import exec from 'k6/execution'

import * as lib from './lib.js'

const { between, chance, find, get, numberOf, oneOf, partial, pause, post, redirect, shared } = lib

const repeat = (times, action) => Array.from({ length: times }, action)

// Actions of programs: scripts that were written for the original application.
const browseTimeline = (user) => get(user, '/timeline')
const checkTrends = (user) => get(user, '/')
const viewUser = (user, last) => get(user, `/user/${between(1, last)}`)
const search = (user, list, options) => get(user, `/search?q=${encodeURIComponent(oneOf(list))}`, options).body
const tweet = (user, more, name) => post(user, '/tweet', { msg: oneOf(shared.texts), ...more }, { name })
const actOn = (user, action, last) => post(user, `/${action}/${between(1, last)}`)

const followAndUnfollow = (user, id = between(1, 50)) =>
  ['follow', 'unfollow'].map((action) => post(user, `/${action}/${id}`))

// Actions of people: they read a page for a while and click on it; htmx requests parts of pages.
function visit(user, path, ...seconds) {
  const { body } = get(user, path, { kind: 'browser' })
  pause(...seconds)
  return body
}

/** Runs the action only if the page has such a link. */
const click = (html, pattern, action, found = find(html, pattern)) => found && action(found)
/** Presses a button, if the page has one; returns its id. */
const press = (user, html, action) => click(html, action, (id) => post(user, `/${action}/${id}`) && id)
const write = (user, html, more, name = '/tweet') => tweet(user, { key: find(html, 'key'), ...more }, name)

/** Opens a thread, and answers with this probability. */
function open(user, id, share = 0) {
  const html = visit(user, `/tweet/${id}`, 1, 3)
  if (chance(share)) write(user, html, { reply_to: id }, '/tweet (reply)')
}

const quote = (user, id) => write(user, visit(user, `/post?quote=${id}`, 3, 6), { quote: id }, '/tweet (quote)')

/** Loads more of the timeline up to `times` times; returns the last part. */
function readOn(user, html, times) {
  for (let n = 0; n < times && find(html, 'more'); n++) {
    html = get(user, find(html, 'more'), { expect: partial }).body
    pause(1, 3)
  }
  return html
}

function read(user) {
  const html = readOn(user, visit(user, '/timeline', 1, 3), between(0, 4))
  if (chance(0.12)) press(user, html, 'favorite')
  if (chance(0.4)) click(html, 'tweet', (id) => open(user, id, 0.1))
  if (chance(0.04)) write(user, visit(user, '/timeline', 3, 6))
  const reposted = chance(0.05) && press(user, html, 'retweet')
  if (reposted && chance(0.25)) post(user, `/unretweet/${reposted}`)
  if (chance(0.02)) click(html, 'tweet', (id) => quote(user, id))
}

function getToKnowSomebody(user) {
  click(visit(user, '/', 1, 3), 'handle', (handle) => {
    const html = visit(user, `/@${handle}`, 1, 3)
    if (chance(0.5)) visit(user, `/@${handle}/likes`)
    if (chance(0.2)) press(user, html, 'follow')
  })
}

function searchAsYouType(user) {
  visit(user, '/search', 1, 2)
  repeat(between(2, 4), () => search(user, shared.beginnings, { expect: partial }) && pause(0.3, 0.6))
  const html = search(user, shared.words, { expect: partial })
  if (chance(0.1)) press(user, html, 'favorite')
  if (chance(0.3)) visit(user, `/tag/${oneOf(shared.tags)}`, 1, 3)
}

function lookAfterOwnThings(user) {
  visit(user, '/notifications', 1, 3)
  const html = visit(user, '/favorites', 1, 3)
  if (chance(0.2)) press(user, html, 'unfavorite')
  visit(user, '/followers', 1, 3)
  visit(user, '/following')
}

function converse(user) {
  const html = visit(user, '/timeline', 2, 5)
  if (chance(0.4)) write(user, html)
  pause(1, 3)
  const last = readOn(user, html, between(1, 3))
  if (chance(0.5)) press(user, last, 'favorite')
  if (chance(0.5)) click(last, 'tweet', (id) => open(user, id, 0.5))
}

function thinkAgain(user) {
  click(visit(user, '/timeline', 1, 3), 'own', (id) => {
    visit(user, `/tweet/${id}`, 1, 2)
    if (chance(0.3)) post(user, `/tweet/${id}/delete`)
  })
}

function lookAround(user) {
  const html = visit(user, '/', 1, 4)
  if (chance(0.7)) click(html, 'tweet', (id) => open(user, id))
  pause(0, 2)
  if (chance(0.15)) visit(user, `/tag/${oneOf(shared.tags)}`)
  if (chance(0.5)) click(html, 'handle', (handle) => visit(user, `/@${handle}`))
}

const register = (user, fields) => post(user, '/register', fields, { expect: redirect('/timeline') }).status === 303
const account = (kind, last) => {
  const name = `${kind}${String(between(1, last)).padStart(4, '0')}`
  return { name, mailaddress: `${name}@test.com`, password: 'password123' }
}

/** Logs in; registers a user who does not exist yet. */
function signInMember(user) {
  const { name, ...fields } = account('user', 100)
  const letIn = Object.values(redirect('/timeline'))[0]
  const expect = { '303 to /timeline, or 422': (r) => r.status === 422 || letIn(r) }
  const { status } = post(user, '/login', fields, { expect })
  user.signedIn = status === 303 || (status === 422 && register(user, { name, ...fields }))
}

/** Registers, which signs in an existing user, and follows some people. */
const signInReader = (low, high) => (user) => {
  user.signedIn = register(user, account('reader', 1000))
  const name = '/follow/[id] (newcomer)'
  if (user.signedIn) repeat(between(low, high), () => post(user, `/follow/${between(1, 100)}`, null, { name }))
}

// Each class with its weight, its wait in seconds, how it signs in, and its actions with their weights.
// prettier-ignore
const mixes = {
  original: {
    RealisticUser: { weight: 3, wait: [3, 10], signIn: signInMember, actions: [
      [10, browseTimeline], [5, checkTrends], [3, (user) => user.tweetsLeft-- > 0 && tweet(user)], [2, (user) => search(user, shared.words)],
      [2, (user) => viewUser(user, 5)], [1, (user) => get(user, '/favorites')],
      [1, (user) => (chance(0.5) ? actOn(user, 'favorite', 50) : actOn(user, 'follow', 10))]] },
    LurkerUser: { weight: 4, wait: [5, 15], signIn: signInMember,
      actions: [[8, browseTimeline], [3, checkTrends], [2, (user) => viewUser(user, 10)], [1, (user) => search(user, shared.words)]] },
    APIStressUser: { weight: 1, wait: [0.1, 0.5], signIn: signInMember, actions: [
      [5, (user) => tweet(user)], [3, (user) => actOn(user, 'favorite', 100)], [2, (user) => actOn(user, 'follow', 20)],
      [1, (user) => actOn(user, 'unfavorite', 100)], [1, (user) => actOn(user, 'unfollow', 20)]] },
    DatabaseStressUser: { weight: 1, wait: [0.5, 2], signIn: signInMember, actions: [
      [3, (user) => search(user, shared.phrases)], [2, (user) => repeat(between(3, 7), () => viewUser(user, 100))],
      [2, (user) => repeat(between(2, 5), () => tweet(user))], [2, followAndUnfollow],
      [1, (user) => repeat(between(5, 10), () => actOn(user, 'favorite', 200))],
      [1, (user) => ['/followers', '/following', '/favorites'].forEach((path) => get(user, path))]] },
    AnonymousUser: { weight: 1, wait: [2, 5], actions: [[3, checkTrends], [1, (user) => get(user, '/login')]] },
  },
  realistic: {
    TimelineReader: { weight: 7, wait: [4, 12], kind: 'htmx', signIn: signInReader(8, 12),
      actions: [[12, read], [3, getToKnowSomebody], [2, searchAsYouType], [1, lookAfterOwnThings]] },
    TimelineWriter: { weight: 1, wait: [5, 15], kind: 'htmx', signIn: signInReader(15, 25), actions: [[4, converse], [1, thinkAgain]] },
    TimelineVisitor: { weight: 2, wait: [3, 10], kind: 'browser', actions: [[3, lookAround], [1, (user) => visit(user, '/register')]] },
  },
}

const [users, seconds] = [numberOf('USERS', 50), numberOf('SECONDS', 60)]
const rise = Math.min(seconds, Math.ceil(users / numberOf('SPAWN', 5)))
// Stages: duration in seconds, and the share of USERS that is reached at the end.
// prettier-ignore
const shapes = {
  ramp: [[60, 0.25], [60, 0.5], [60, 0.75], [60, 1]], spike: [[60, 0.1], [10, 1], [50, 1], [10, 0.1], [50, 0.1]],
  soak: [[60, 0.5], [3540, 0.5]], none: [[rise, 1], [seconds - rise, 1]],
}
const stageOf = ([time, share]) => ({ duration: `${time}s`, target: Math.round(share * users) })
const stages = shapes[__ENV.SHAPE || 'none'].map(stageOf)

export const options = {
  // At the end, do not wait for users that sleep between two actions.
  scenarios: { load: { executor: 'ramping-vus', stages, gracefulStop: '0s', gracefulRampDown: '0s' } },
  thresholds: lib.thresholdsOf(),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
}

const byWeight = (pairs) => pairs.flatMap(([weight, one]) => Array(weight).fill(one))
/** Multiples of the golden ratio are spread evenly, so any number of users has the right share of each class. */
const crowd = byWeight(Object.values(mixes[__ENV.MIX || 'realistic']).map((one) => [one.weight, one]))
let user

/** The loop of each user. A user whose sign-in fails tries again. */
export default function act() {
  const place = (exec.vu.idInTest * 0.618034) % 1
  const { kind = 'program', wait, signIn, actions } = crowd[Math.floor(place * crowd.length)]
  user ??= { ...lib.newClient(kind), tweetsLeft: between(3, 15) }
  if (signIn && !user.signedIn) signIn(user)
  if (!signIn || user.signedIn) oneOf(byWeight(actions))(user)
  lib.sendSpans(3000)
  pause(...wait)
}
