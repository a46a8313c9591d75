// What `npm run doctor` checks on this machine: the app, its database, its disk, and the clock.
import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import { processTelemetry, type Settings } from '../../config/env.ts'
import { localOrigin } from '../../config/own-address.ts'
import { freeBytes, StartError } from '../../config/start-error.ts'
import type { TelemetrySettings } from '../../config/telemetry-settings.ts'
import { findDamage } from '../../db/damage.ts'
import { databasePath, existing, withDatabase } from '../command.ts'
import { ask, explainFailure, type Failed } from './ask.ts'
import { checksOf, shortly, type Check, type Trouble } from './report.ts'

const megabyte = 1024 * 1024
/** A larger file is not read whole: npm run db:check does that. */
const readWholeMax = 64 * megabyte
/** Below the first number writes will soon fail; below the second it is time to look. */
const free = { failed: 64 * megabyte, warning: 512 * megabyte }
const inodesMin = 100
/** The write-ahead log is cut to 64 MB; far above that something keeps it from being written back. */
const walMax = 256 * megabyte
const clockOff = { failed: 30_000, warning: 5000 }

/** The settings of telemetry, and a check for the settings, which could be read. */
export function checkSettings(settings: Settings): {
  wanted: TelemetrySettings | undefined
  checks: Check[]
} {
  const { wanted, warnings } = processTelemetry(settings)
  if (wanted?.sampler.ratio === 0)
    warnings.push('OTEL_TRACES_SAMPLER lets no trace of the app out. The probe goes all the same.')
  const { ok, warning } = checksOf('settings')
  const cure = 'Correct or remove this variable.'
  const site = `${settings.DATABASE_URL.split(':')[0]} database, DEMO=${settings.demo ? 1 : 0}`
  if (warnings.length === 0) return { wanted, checks: [ok(`They can be read (${site}).`)] }
  return { wanted, checks: warnings.map((said) => warning({ said, cure })) }
}

/** Does the app of these settings run, and is it ready? */
export async function checkApp({ HOST, PORT }: Settings): Promise<Check> {
  const { ok, skipped, failed } = checksOf('app')
  if (PORT === 0) return skipped('PORT=0 does not say where the app is.')
  const url = new URL(`${localOrigin({ HOST, PORT })}/readyz`)
  try {
    const { status, text } = await ask(url)
    if (status === 200 && text === 'ok\n') return ok(`It is ready at ${url.origin}.`)
    const answered = shortly(text)
    if (status !== 503) {
      const said = `${url.origin} answered ${status}: another program has this port.`
      return failed({ said, answered, cure: 'Set HOST and PORT as for the app.' })
    }
    const said = `It is at ${url.origin}, but not ready.`
    return failed({ said, answered, cure: 'Cure what the answer says; its log says more.' })
  } catch (error) {
    const trouble = explainFailure(error as Failed, url)
    return failed({ ...trouble, cure: 'Start the app, or set HOST and PORT as for the app.' })
  }
}

type Data = { check: Check; newest: number | undefined }

/** Can the database be read? Also gives the time of its newest tweet, as a witness of the clock. */
export async function checkDatabase(settings: Settings): Promise<Data> {
  const newest = 'SELECT created_at FROM tweets ORDER BY id DESC LIMIT 1'
  const { ok, failed } = checksOf('database')
  try {
    if (!settings.DATABASE_URL.startsWith('file:')) {
      const { askServer } = await import('../../db/database-server.ts')
      const { rows } = await askServer(settings, newest)
      const said = `The libSQL server at ${new URL(settings.DATABASE_URL).host} answers`
      return { check: await withReplica(settings, said), newest: numberOf(rows[0]?.[0]) }
    }
    const path = existing(databasePath(settings))
    accessSync(path, constants.W_OK)
    const isSmall = statSync(path).size <= readWholeMax
    return withDatabase(path, (db) => {
      const [problem] = isSmall ? findDamage(db, 'quick_check') : []
      if (problem !== undefined) {
        const cure = 'Run npm run db:check: it lists everything and says what to do.'
        const damage = { said: `${path} is damaged.`, answered: problem, cure }
        return { check: failed(damage), newest: undefined }
      }
      const row = db.prepare(newest).raw().get([]) as [number] | undefined
      const said = isSmall
        ? `${path} is whole.`
        : `${path} can be read; npm run db:check reads it whole.`
      return { check: ok(said), newest: numberOf(row?.[0]) }
    })
  } catch (error) {
    return { check: failed(databaseTrouble(error as Failed)), newest: undefined }
  }
}

async function withReplica(settings: Settings, said: string): Promise<Check> {
  const { DATABASE_REPLICA_URL: url, DATABASE_REPLICA_AUTH_TOKEN: token } = settings
  const { ok, warning } = checksOf('database')
  if (url === undefined) return ok(`${said}.`)
  const { askServer } = await import('../../db/database-server.ts')
  const replica = { ...settings, DATABASE_URL: url, ...(token && { DATABASE_AUTH_TOKEN: token }) }
  const { host } = new URL(url)
  try {
    await askServer(replica, 'SELECT at FROM heartbeats')
    return ok(`${said}, and so does its replica at ${host}.`)
  } catch (error) {
    return warning({
      said: `${said}, but its replica at ${host} does not: the app reads from the server alone.`,
      answered: (error as Failed).message,
      cure: 'Start the replica, or set DATABASE_REPLICA_URL as for the app.',
    })
  }
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined)

function databaseTrouble(error: Failed): Trouble {
  if (error instanceof StartError) {
    const cure = 'Set DATABASE_URL as for the app; the sentence says the rest.'
    return { said: error.message, cure }
  }
  const mayNotWrite = error.code === 'EACCES' && 'This user may not write the file.'
  const said = mayNotWrite || `It cannot be used: ${error.message}`
  return { said, cure: 'Run this as the user that runs the app, with the same DATABASE_URL.' }
}

const inMegabytes = (bytes: number) => `${Math.round(bytes / megabyte).toLocaleString('en')} MB`

/** Is there space for the data? */
export function checkDisk(settings: Settings): Check {
  const { ok, skipped, warning, failed } = checksOf('disk')
  if (!settings.DATABASE_URL.startsWith('file:'))
    return skipped('The data is on the libSQL server.')
  const path = databasePath(settings)
  try {
    const { files, ffree } = statfsSync(dirname(path))
    const space = freeBytes(path) ?? 0
    const wal = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
    const said = `${inMegabytes(space)} are free for ${path}.`
    if (space < free.failed || (files > 0 && ffree < inodesMin))
      return failed({
        said: space < free.failed ? said : `No more files can be made beside ${path}.`,
        cure: 'Free some space: writes are refused when there is none, and go on when there is some.',
      })
    if (space < free.warning) return warning({ said, cure: 'Free some space soon.' })
    if (wal > walMax)
      return warning({
        said: `${path}-wal has ${inMegabytes(wal)}.`,
        cure: 'End the program that reads the database for so long, such as a shell with an open query.',
      })
    return ok(said)
  } catch (error) {
    const said = `${dirname(path)}: ${(error as Failed).message}`
    return failed({ said, cure: 'Set DATABASE_URL as for the app.' })
  }
}

/** Another clock: a name, its time as an HTTP date, and when this machine read it. */
export type OtherClock = { of: string; date: string | undefined; at: number }

/** Does this machine's clock agree with the others, and with the database? */
export function checkClock(
  others: OtherClock[],
  newest: number | undefined,
  now = Date.now(),
): Check {
  const { ok, skipped, warning, failed } = checksOf('clock')
  const cure =
    'Set the clocks by NTP (timedatectl). Loki and Mimir drop what is more than ten minutes in the future.'
  // An HTTP date has whole seconds: half a second more is its middle.
  const offs = others
    .map(({ of, date, at }) => ({ of, ms: Date.parse(date ?? '') + 500 - at }))
    .filter(({ ms }) => Number.isFinite(ms))
    .toSorted((one, other) => Math.abs(other.ms) - Math.abs(one.ms))
  const [worst] = offs
  if (newest !== undefined && newest - now > clockOff.failed) {
    const at = new Date(newest).toISOString()
    const said = `It is wrong, or was: the newest tweet is of ${at}, in the future.`
    return failed({ said, cure })
  }
  if (worst && Math.abs(worst.ms) > clockOff.warning) {
    const seconds = Math.round(worst.ms / 1000)
    const said = `The clock of ${worst.of} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} this machine's.`
    return (Math.abs(worst.ms) > clockOff.failed ? failed : warning)({ said, cure })
  }
  const names = [...(newest === undefined ? [] : ['the database']), ...offs.map(({ of }) => of)]
  if (names.length === 0) return skipped('There is no other clock to compare with.')
  return ok(`It agrees with ${[...new Set(names)].join(', ')}.`)
}
