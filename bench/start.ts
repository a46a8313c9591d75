// CPU time from the start to the first 200, and resident memory: bare node:http and all builds, alternately.
import { loadPage, startApp, startNodeHttp, startPackages, type Process } from './servers.ts'
import { figuresOf, short, table, type Figures } from './statistics.ts'
import { copyOf, worldOf } from './world.ts'

type Sample = { cpu: number; idle: number; loaded: number }
export type StartOutcome = Record<string, { cpu: Figures; idle: Figures; loaded: Figures }>

const modes: Record<string, Record<string, string>> = {
  'telemetry off': { INSPECT: '0' },
  'default (inspector)': { INSPECT: '1' },
  OTLP: { INSPECT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
}

/** CPU ms until the first answer, resident MB idle, resident MB after some thousand pages. */
export async function measureStart(rounds: number, against?: string): Promise<StartOutcome> {
  const world = await worldOf(100, 2000, against) // as large as the demo world
  const samples: Record<string, Sample[]> = { 'bare node:http': [] }
  for (let round = 0; round < rounds; round++) {
    samples['bare node:http']!.push(await sampleOf(await startNodeHttp()))
    const copied = copyOf(world, 'start')
    ;(samples['the packages alone'] ??= []).push(await sampleOf(await startPackages(copied.path)))
    copied.remove()
    for (const [name, env] of Object.entries(modes)) {
      for (const build of against === undefined ? [undefined] : [against, undefined]) {
        const copy = copyOf(world, 'start')
        const sample = await sampleOf(await startApp(copy.path, env, { build }))
        ;(samples[build === undefined ? name : `${name}, other build`] ??= []).push(sample)
        copy.remove()
      }
    }
  }
  return Object.fromEntries(
    Object.entries(samples).map(([name, all]) => [
      name,
      {
        cpu: figuresOf(all.map(({ cpu }) => cpu / 1000)),
        idle: figuresOf(all.map(({ idle }) => idle / 1e6)),
        loaded: figuresOf(all.map(({ loaded }) => loaded / 1e6)),
      },
    ]),
  )
}

async function sampleOf(server: Process): Promise<Sample> {
  const { cpu, rss: idle } = await server.usage()
  await loadPage(server.port, 2000)
  const { rss: loaded } = await server.usage()
  await server.stop()
  return { cpu, idle, loaded }
}

export function startTable(outcome: StartOutcome): string {
  const bare = outcome['bare node:http']!
  const cell = (own: Figures, other: Figures) =>
    `${short(own.median)} (${(own.median / other.median).toFixed(2)}x)`
  return table(
    ['', 'start, CPU ms', 'memory idle, MB', 'loaded, MB'],
    Object.entries(outcome).map(([name, { cpu, idle, loaded }]) => [
      name,
      cell(cpu, bare.cpu),
      cell(idle, bare.idle),
      cell(loaded, bare.loaded),
    ]),
  )
}
