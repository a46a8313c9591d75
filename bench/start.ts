// From spawning to the first 200, and resident memory then: next to a bare node:http and next to each other, in turn.
import { setTimeout as pause } from 'node:timers/promises'

import { loadPage, startApp, startFloor, startTwin, type Process } from './servers.ts'
import { figuresOf, short, table, type Figures } from './statistics.ts'
import { copyOf, worldOf } from './world.ts'

type Sample = { cpu: number; idle: number; loaded: number; rested: number }
export type StartOutcome = Record<string, Record<keyof Sample, Figures>>

const modes: Record<string, Record<string, string>> = {
  'telemetry off': { INSPECT: '0' },
  'default (inspector)': { INSPECT: '1' },
  OTLP: { INSPECT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
}
/** Twice the five seconds after which a quiet server gives memory back. */
const restMs = 11_000

/** CPU ms until the first answer; MB then, after some thousand pages, and a moment after those. */
export async function measureStart(rounds: number): Promise<StartOutcome> {
  const world = await worldOf(100, 2000) // as large as the demo world
  const samples: Record<string, Sample[]> = {}
  for (let round = 0; round < rounds; round++) {
    const loaded = [await loadedOf('bare node:http', await startTwin())]
    const copies = [copyOf(world, 'start-floor')]
    loaded.push(await loadedOf('the packages alone', await startFloor(copies[0]!.path)))
    for (const [name, env] of Object.entries(modes)) {
      const copy = copyOf(world, `start-${loaded.length}`)
      copies.push(copy)
      loaded.push(await loadedOf(name, await startApp(copy.path, env)))
    }
    await pause(restMs)
    for (const { name, server, sample } of loaded) {
      const { rss } = await server.usage()
      ;(samples[name] ??= []).push({ ...sample, rested: rss / 1e6 })
      await server.stop()
    }
    for (const copy of copies) copy.remove()
  }
  const figures = (all: Sample[], which: keyof Sample) => figuresOf(all.map((one) => one[which]))
  return Object.fromEntries(
    Object.entries(samples).map(([name, all]) => [
      name,
      {
        cpu: figures(all, 'cpu'),
        idle: figures(all, 'idle'),
        loaded: figures(all, 'loaded'),
        rested: figures(all, 'rested'),
      },
    ]),
  )
}

async function loadedOf(name: string, server: Process) {
  const { cpu, rss: idle } = await server.usage()
  await loadPage(server.port, 2000)
  const { rss: loaded } = await server.usage()
  return { name, server, sample: { cpu: cpu / 1000, idle: idle / 1e6, loaded: loaded / 1e6 } }
}

export function startTable(outcome: StartOutcome): string {
  const bare = outcome['bare node:http']!
  return table(
    ['', 'start, CPU ms', 'memory idle, MB', 'loaded, MB', 'a moment later, MB'],
    Object.entries(outcome).map(([name, figures]) => [
      name,
      ...(['cpu', 'idle', 'loaded', 'rested'] as const).map((which) => {
        const { median } = figures[which]
        return `${short(median)} (${(median / bare[which].median).toFixed(2)}x)`
      }),
    ]),
  )
}
