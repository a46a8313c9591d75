// The table of docs/telemetry-cost.md: its numbers are those of the last kept run, with honest bounds.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import { figuresOf, type Round } from '../bin/cost/figures.ts'
import { costPicture, withReport, type Report } from '../bin/cost/report.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('the table and the picture are those of the kept run, and nobody has edited them', () => {
  const report = JSON.parse(read('bench/telemetry-cost.json')) as Report
  const page = read('docs/telemetry-cost.md')
  assert.equal(withReport(page, report), page)
  assert.equal(read('docs/telemetry-cost.svg'), costPicture(report))
  assert.deepEqual(
    report.figures.map(({ name }) => name),
    [
      'off',
      'traces 1 %',
      'traces 10 %',
      'traces 100 %',
      '+ metrics',
      '+ logs',
      '+ inspector',
      'inspector alone',
    ],
  )
  for (const { cpuTimes, p99Times } of report.figures)
    for (const { value, low, high } of [cpuTimes, p99Times])
      assert.ok(low <= value && value <= high)
  // A small run must not be taken for the final one.
  assert.equal(page.includes('its numbers are not final'), report.quick)
})

const wire = { answer: 0, traces: 0, logs: 0, metrics: 0 }

test('a round in which the machine was slow does not make a variant dear', () => {
  const weather = [1, 5, 1, 1, 3, 1, 2, 1, 1, 9]
  const rounds = (factor: number): Round[] =>
    weather.map((slow) => ({ cpuMs: slow * factor, times: [slow * factor], rssMb: 100 * factor }))
  const [off, dear] = figuresOf([
    { name: 'off', rounds: rounds(1), wire },
    { name: 'dear', rounds: rounds(1.5), wire },
  ])
  assert.deepEqual(off!.cpuTimes, { value: 1, low: 1, high: 1 })
  assert.deepEqual(dear!.cpuTimes, { value: 1.5, low: 1.5, high: 1.5 })
  assert.deepEqual([dear!.p99Times.low, dear!.p99Times.high], [1.5, 1.5])
  assert.equal(dear!.rssMb, 150)
})

test('rounds that do not agree have wide bounds', () => {
  const rounds = (costs: number[]): Round[] =>
    costs.map((cpuMs) => ({ cpuMs, times: [cpuMs], rssMb: 100 }))
  const [, noisy] = figuresOf([
    { name: 'off', rounds: rounds([1, 1, 1, 1, 1, 1]), wire },
    { name: 'noisy', rounds: rounds([0.8, 2, 0.9, 1.9, 1, 1.1]), wire },
  ])
  const { low, value, high } = noisy!.cpuTimes
  assert.ok(low < 1 && value > 1 && high > 1.4, `${low} ${value} ${high}`)
})
