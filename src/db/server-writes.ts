// Writes to a libSQL server: one at a time, and once more when another process holds the lock.
import { setTimeout as pause } from 'node:timers/promises'

import type { Client, InStatement, TransactionMode } from '@libsql/core/api'

import type { Settings } from '../config/env.ts'
import { WorkQueue } from '../overload/work-queue.ts'
import { isBusy, writes } from './libsql-statement.ts'
import { budgeted } from './request-budget.ts'

/**
 * sqld 0.24 may lose its write lock when many writes wait for it, and then writes nothing until it is killed: with four of
 * each of three processes in two runs of five, with one in none. One at a time is no slower, because the server has one
 * writer.
 */
const writesAtOnce = 1

/** The queue in which writes to a server wait, as those to a file do. */
export const writeQueue = (settings: Settings): WorkQueue =>
  new WorkQueue({
    name: 'write',
    concurrency: writesAtOnce,
    waiting: settings.WRITE_QUEUE,
    waitMs: settings.WRITE_WAIT_MS,
  })

/**
 * The same client; its writes wait in the queue, and reject with a 503 Refusal when they could not be done in time. All
 * statements stay within the budget of their request.
 */
export function writingThrough(client: Client, queue: WorkQueue): Client {
  const isWrite = (one: InStatement) => writes(typeof one === 'string' ? one : one.sql)
  const inTurn =
    <T>(job: () => Promise<T>) =>
    async (deadline: number) => {
      try {
        return await onceMore(job, deadline)
      } catch (error) {
        throw isBusy(error) ? queue.refusal() : error
      }
    }
  const write = <T>(job: () => Promise<T>): Promise<T> =>
    budgeted((end) => queue.run(inTurn(job), end))
  const execute = (statement: InStatement) =>
    isWrite(statement)
      ? write(() => client.execute(statement))
      : budgeted(() => client.execute(statement))
  const batch = (statements: InStatement[], mode?: TransactionMode) =>
    statements.some(isWrite)
      ? write(() => client.batch(statements, mode))
      : budgeted(() => client.batch(statements, mode))
  return Object.assign(Object.create(client) as Client, { execute, batch })
}

/** Tries a write again when a writer of another process holds the lock: nothing of it was done. */
async function onceMore<T>(job: () => Promise<T>, deadline: number): Promise<T> {
  try {
    return await job()
  } catch (error) {
    if (!isBusy(error) || performance.now() > deadline) throw error
  }
  await pause(20 + Math.random() * 80)
  return job()
}
