// The questions, the draw and the score of a game day, over many seeds and without a process.
import assert from 'node:assert/strict'
import test from 'node:test'

import { busyRoutes, draw, levels, namesOf, usualWindow } from '../bin/gameday/draw.ts'
import {
  everywhere,
  nextQuestion,
  problemOf,
  questions,
  scoreOf,
  timeOf,
  worth,
  type Answers,
  type Truth,
} from '../bin/gameday/score.ts'
import { random } from '../src/base/random.ts'
import { faultNamed, hiding } from '../src/faults/list.ts'
import { strikeOf } from '../src/faults/options.ts'

const seeds = Array.from({ length: 100 }, (_, index) => index + 1)
const ground = { exports: false, window: usualWindow }
/** Games begin at different times of day; one begins before midnight. */
const begin = Date.UTC(2026, 4, 5, 23, 57, 0)
const clock = (at: number) => new Date(at).toISOString().slice(11, 19)

function truthOf(seed: number, level: (typeof levels)[number]): Truth {
  const { fault, after } = draw(seed, level, ground)
  return { fault: fault.name, route: fault.route, since: begin + after * 1000 }
}

const rightAnswers = ({ fault, route, since }: Truth): Answers => ({
  fault,
  route: route || everywhere,
  since: clock(since),
})

test('a seed and a level draw the same mystery again, every one can be started, all are drawn', () => {
  for (const level of levels) {
    const drawn = new Set<string>()
    for (const seed of seeds) {
      const mystery = draw(seed, level, ground)
      assert.deepEqual(draw(seed, level, ground), mystery)
      assert.equal(mystery.decoy !== undefined, level === 3)
      for (const strike of mystery.decoy ? [mystery.fault, mystery.decoy] : [mystery.fault]) {
        const { name, strength, route, share, seed: own } = strike
        const asked = { strength: String(strength), seed: String(own) }
        strikeOf(faultNamed(name)!, route ? { ...asked, route, share: String(share) } : asked)
      }
      if (mystery.decoy) {
        assert.notEqual(mystery.decoy.name, mystery.fault.name)
        assert.deepEqual(hiding([mystery.decoy.name, mystery.fault.name]), [])
      }
      assert.ok(mystery.after >= usualWindow[0] && mystery.after <= usualWindow[1])
      drawn.add(mystery.fault.name)
    }
    if (level === 1) assert.deepEqual([...drawn].toSorted(), namesOf(ground).toSorted())
    assert.ok(drawn.size >= 9, `level ${level}: ${drawn.size} faults`)
  }
})

test('all right is everything, a wrong answer never scores, each question counts for itself', () => {
  for (const level of levels)
    for (const seed of seeds) {
      const truth = truthOf(seed, level)
      const now = begin + 300_000
      const right = rightAnswers(truth)
      assert.equal(scoreOf(truth, right, 0, now).points, 100)
      assert.equal(scoreOf(truth, {}, 0, now).points, 0)
      for (const question of questions) {
        const alone = scoreOf(truth, { [question]: right[question]! }, 0, now)
        assert.equal(alone.points, worth[question])
        for (const wrong of wrongAnswers(truth, question)) {
          const { marks, points } = scoreOf(truth, { [question]: wrong }, 0, now)
          assert.deepEqual([marks[question]!.right, points], [false, 0], `${question}: ${wrong}`)
          assert.ok(marks[question]!.points < 0)
          const others = scoreOf(truth, { ...right, [question]: wrong }, 0, now)
          assert.equal(others.points, 100 - worth[question] - 10)
        }
      }
    }
})

function wrongAnswers(truth: Truth, question: (typeof questions)[number]): string[] {
  if (question === 'fault') return namesOf(ground).filter((name) => name !== truth.fault)
  if (question === 'route')
    return [...busyRoutes, everywhere].filter((route) => route !== (truth.route || everywhere))
  return [-31_000, 31_000, -3_600_000].map((ms) => clock(truth.since + ms))
}

test('who guesses gets less than a tenth over 100 seeds, even who knows only the busy routes', () => {
  for (const level of levels)
    for (const guessSeed of [7, 77, 777]) {
      const next = random(guessSeed)
      const oneOf = (list: string[]) => list[Math.floor(next() * list.length)]!
      let sum = 0
      for (const seed of seeds) {
        const now = begin + 300_000
        const guess = {
          fault: oneOf(namesOf(ground)),
          route: oneOf([...busyRoutes, everywhere]),
          since: clock(begin + next() * 300_000),
        }
        sum += scoreOf(truthOf(seed, level), guess, 0, now).points
      }
      assert.ok(sum / seeds.length < 10, `level ${level}: ${sum / seeds.length} %`)
    }
})

test('hints cost, up to what there is; a passed question costs nothing', () => {
  const truth = truthOf(1, 1)
  const right = rightAnswers(truth)
  const now = begin + 300_000
  assert.equal(scoreOf(truth, right, 2, now).points, 80)
  assert.equal(scoreOf(truth, { fault: '', route: '', since: '' }, 3, now).points, 0)
  assert.equal(scoreOf(truth, { ...right, since: '' }, 0, now).points, 80)
  assert.equal(nextQuestion({}), 'fault')
  assert.equal(nextQuestion({ fault: 'errors', route: '' }), 'since')
  assert.equal(nextQuestion(right), undefined)
})

test('times are read as people write them; what is no answer is a sentence', () => {
  const now = Date.UTC(2026, 4, 6, 0, 2, 0)
  assert.equal(timeOf('23:59:30', now), Date.UTC(2026, 4, 5, 23, 59, 30))
  assert.equal(timeOf(' 0:01 UTC', now), Date.UTC(2026, 4, 6, 0, 1, 0))
  assert.equal(timeOf('2026-05-06T00:01:00.000Z', now), Date.UTC(2026, 4, 6, 0, 1, 0))
  for (const bad of ['', 'noon', '24:00', '12:60', '12:00:60', '1e9', '2026-99-99T00:00Z'])
    assert.equal(timeOf(bad, now), undefined, bad)
  const known = { faults: namesOf(ground), routes: busyRoutes }
  assert.match(problemOf('fault', 'nonsense', known)!, /no fault of this name/)
  assert.match(problemOf('route', '/timeline', known)!, /no such route/)
  assert.match(problemOf('since', 'noon', known)!, /14:05:30/)
  assert.equal(problemOf('route', everywhere, known), undefined)
  assert.equal(problemOf('fault', '', known), undefined)
})
