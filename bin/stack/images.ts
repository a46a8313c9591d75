// Which services cannot run here, because their images cannot be had.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from './shell.ts'
import { root, type Service, type Stack } from './stack.ts'

/** The images that the stages of the Dockerfile start from, by stage; a stage may copy from another. */
export function basesOf(dockerfile: string): Map<string, string[]> {
  const bases = new Map<string, string[]>()
  let current: string[] = []
  for (const line of dockerfile.split('\n')) {
    const [, image, stage] = /^FROM (\S+) AS (\S+)/.exec(line) ?? []
    if (image !== undefined) bases.set(stage!, (current = [...(bases.get(image) ?? [image])]))
    const copied = bases.get(/^COPY --from=(\S+)/.exec(line)?.[1] ?? '')
    if (copied) current.push(...copied)
  }
  return bases
}

const isHere = async (image: string) =>
  (await run('docker', ['image', 'inspect', '--format', 'there', image])).code === 0

/** Is the image here, or can it be had? */
async function canBeHad(image: string): Promise<boolean> {
  if (await isHere(image)) return true
  return (await run('docker', ['pull', '--quiet', image], { seconds: 300 })).code === 0
}

/** Leaves out the services whose images cannot be had, and those that depend on them. */
export async function leaveOutMissing(stack: Stack): Promise<void> {
  const bases = basesOf(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  const imagesOf = ({ image, build }: Service) =>
    build ? (bases.get(build.target ?? '') ?? []) : [image]
  const services = Object.entries(stack.services)
  const wanted = [...new Set(services.flatMap(([, service]) => imagesOf(service)))]
  const had = await Promise.all(wanted.map(canBeHad))
  const missing = wanted.filter((_, index) => !had[index])
  const out = new Map<string, string>()
  for (const [name, service] of services) {
    const image = imagesOf(service).find((one) => missing.includes(one))
    if (image !== undefined) out.set(name, `${image} cannot be had`)
  }
  for (let before = -1; before !== out.size;) {
    before = out.size
    for (const [name, { depends_on: needs = {} }] of services) {
      const gone = Object.keys(needs).find((one) => out.has(one))
      if (gone !== undefined && !out.has(name)) out.set(name, `it needs ${gone}`)
    }
  }
  const reason = out.get('app') ?? out.get('volumes')
  if (reason !== undefined) throw new Error(`Without its own images there is no test: ${reason}.`)
  await stack.leaveOut(out)
}
