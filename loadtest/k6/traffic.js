// One user of the model in k6: sends requests, walks the steps of a task, judges every answer.
import { check, sleep } from 'k6'
import http from 'k6/http'
import { Trend } from 'k6/metrics'

import { target } from './environment.js'
import {
  accountOf,
  choose,
  expectedOf,
  fillAll,
  judge,
  look,
  nameOf,
  pathOf,
  wholeWithin,
  within,
} from './model.js'
import { newTrace, rememberSpan } from './spans.js'
import { noteSlow } from './summary.js'

const bytes = new Trend('answer_bytes')
/** How long an answer may take. */
const timeoutMs = 30_000
const timedOut = ({ error }) => error === 'request timeout'

/** Failures that this user prints; the others are only counted. */
const told = { left: 3 }

/** Somebody who visits the target with cookies of their own, as one of the model's askers. */
export class Visitor {
  constructor(model, asker, tags = {}) {
    this.model = model
    this.asker = asker
    this.tags = tags
    this.jar = new http.CookieJar()
    this.seen = {}
    this.here = '/'
    this.variables = { target }
  }

  /**
   * Logs in as one of these accounts; whom nobody knows yet registers, and is welcomed. Accounts that are mostly new
   * register first: a refused login costs the server as much as an accepted one. False when both fail.
   */
  signIn(account, welcome = []) {
    const number = wholeWithin([1, account.count], Math.random())
    Object.assign(this.variables, accountOf(account, number))
    const ways = account.first === 'register' ? ['register', 'login'] : ['login', 'register']
    for (const way of ways) {
      const { status, problem } = this.send(account[way], this.asker, {})
      if (problem !== undefined) return false
      if (status === 422) continue
      if (way === 'register') this.walk(welcome)
      return true
    }
    return false
  }

  walk(steps, chosen = {}) {
    for (const step of steps) {
      if (step.chance !== undefined && Math.random() >= step.chance) continue
      const times = wholeWithin(step.times ?? [1, 1], Math.random())
      for (let time = 0; time < times; time++) if (!this.take(step, { ...chosen })) break
    }
  }

  /** False when the step wants what no page has shown: a person would not click there either. */
  take(step, chosen) {
    for (const [name, source] of Object.entries(step.with ?? {})) {
      chosen[name] = choose(this.model, source, this.seen, Math.random)
      if (chosen[name] === undefined) return false
    }
    if (step.pause !== undefined) sleep(within(step.pause, Math.random()))
    else if (step.request !== undefined) this.send(step.request, step.as ?? this.asker, chosen)
    else this.walk(step.steps ?? step.oneOf[Math.floor(Math.random() * step.oneOf.length)], chosen)
    return true
  }

  /** Sends one request and reports it as right or wrong; gives the answer with `problem`, what was wrong with it. */
  send(requestName, asker, chosen) {
    const { model } = this
    const request = model.requests[requestName]
    const trace = newTrace()
    const variables = { ...this.variables, here: this.here, page: this.seen.page?.[0], ...chosen }
    const path = pathOf(request, variables)
    const name = nameOf(request)
    const tags = { name, kind: request.group, ...this.tags }
    const started = Date.now()
    const response = http.request(
      request.method,
      target + path,
      request.fields === undefined ? null : fillAll(request.fields, variables),
      {
        headers: { ...fillAll(model.askers[asker].headers, variables), traceparent: trace.parent },
        jar: this.jar,
        redirects: 0,
        tags,
        timeout: timeoutMs,
      },
    )
    // Cut off by the end of the run, not by the target: k6 calls that a timeout, too, but does not count it.
    const isCutOff = response.status === 0 && Date.now() - started < timeoutMs && timedOut(response)
    const body = typeof response.body === 'string' ? response.body : ''
    const problem = judge(expectedOf(model, request, asker), {
      status: response.status,
      type: response.headers['Content-Type'] ?? '',
      location: response.headers['Location'] ?? '',
      body,
    })
    const failure = problem && (response.error ? `${problem}: ${response.error}` : problem)
    rememberSpan(trace, { name, started, target: target + path, status: response.status, failure })
    check(response, { 'the answer is right': () => problem === undefined }, tags)
    bytes.add(body.length, tags)
    noteSlow(response.timings.duration, name, response.headers['X-Trace-Id'])
    if (failure !== undefined && !isCutOff && this.tags.kind !== 'preflight')
      tell(`${name} as ${asker}: ${failure} (trace ${trace.id})`)
    if (failure === undefined) {
      look(model, request, body, this.seen)
      if (request.method === 'GET' && asker === 'browser') this.here = path
    }
    return { status: response.status, problem, error: response.error }
  }
}

function tell(sentence) {
  // oxlint-disable-next-line no-console -- k6 has no other voice
  if (told.left-- > 0) console.error(sentence)
}
