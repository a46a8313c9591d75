import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../.cache/', import.meta.url))

/**
 * The folder of an npm package that only tests need: fetched once into .cache/, at an exact version, outside of
 * package.json, so that those who only run the program do not download it. Throws a sentence if it cannot be fetched.
 */
export function fetched(name: string, version: string): string {
  const home = `${cache}${name.replace('/', '+')}-${version}`
  const folder = `${home}/node_modules/${name}`
  if (existsSync(folder)) return folder
  mkdirSync(home, { recursive: true })
  const args = [
    'install',
    '--prefix',
    home,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `${name}@${version}`,
  ]
  try {
    execFileSync('npm', args, { stdio: 'pipe', timeout: 300_000 })
  } catch {
    throw new Error(
      `The tests need the npm package ${name}@${version} once, and it could not be fetched: is there a network?`,
    )
  }
  return folder
}
