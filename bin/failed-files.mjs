// A reporter of node:test that prints the path of each test file with a failure, one a line. Not TypeScript: the runner
// loads its reporters before tsx.

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} events */
export default async function* failedFiles(events) {
  const failed = new Set()
  for await (const { type, data } of events) if (type === 'test:fail') failed.add(data.file)
  for (const file of failed) yield `${file}\n`
}
