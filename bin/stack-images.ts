// `npm run stack:images`: which images of the stack have a newer tag, and the digest of each pinned tag.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { newestLike, parseImage, Repository, type Image } from './stack/registry.ts'
import { table } from './stack/table.ts'

const usage = `npm run stack:images -- [options]

  --registry URL   ask this registry instead of the one that an image names

It changes no file. The tags stand in compose.yaml, compose.scale.yaml, deploy/ and the Dockerfile; read the notes of a version before you take it.`

const root = fileURLToPath(new URL('../', import.meta.url))

/** The images that the files name, without those that the project builds. */
function imagesInFiles(): string[] {
  const compose = readdirSync(`${root}deploy`).filter((name) => name.endsWith('.compose.yaml'))
  const files = [
    'compose.yaml',
    'compose.scale.yaml',
    'Dockerfile',
    ...compose.map((name) => `deploy/${name}`),
  ]
  const lines = files.flatMap((name) => readFileSync(root + name, 'utf8').split('\n'))
  const names = lines.map((line) => /^(?:FROM| +image:) (\S+:\S+)/.exec(line)?.[1])
  return [...new Set(names.filter((name) => name !== undefined))]
    .filter((name) => !name.startsWith('tracewren'))
    .toSorted()
}

type Row = { image: Image; newest?: string; digest?: string; problem?: string }

async function look(image: Image, registry: string | undefined): Promise<Row> {
  const repository = new Repository(registry ?? image.host, image.repository)
  try {
    const newest = newestLike(image.tag, await repository.tags())
    return { image, newest, digest: await repository.digest(image.tag) }
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { message?: string; code?: string } }
    return { image, problem: cause?.code ?? cause?.message ?? message }
  }
}

function cells({ image, newest, digest, problem }: Row): string[] {
  if (problem !== undefined) return [image.name, `unknown: ${problem}`, '']
  const isOld = newest !== image.tag
  return [image.name, isOld ? `old, the newest is ${newest}` : 'the newest of its kind', digest!]
}

const { values } = parseArgs({
  options: { registry: { type: 'string' }, help: { type: 'boolean', default: false } },
})
if (values.help) console.log(usage)
else {
  const images = imagesInFiles().map(parseImage)
  const registry = values.registry?.replace(/\/$/, '')
  const rows = await Promise.all(images.map((image) => look(image, registry)))
  console.log(table(['image', 'its tag', 'digest'], rows.map(cells)))
  const unknown = rows.filter(({ problem }) => problem !== undefined)
  if (unknown.length === rows.length) {
    console.error(
      'No registry can be reached from this machine, so nothing is known about newer tags and digests.',
    )
    process.exitCode = 1
  } else if (unknown.length > 0) {
    console.error(`Nothing is known about ${unknown.length} of ${rows.length} images.`)
    process.exitCode = 1
  }
}
