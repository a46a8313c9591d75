import { html as template } from 'hono/html'
import { jsx } from 'hono/jsx/jsx-runtime'

export { raw } from 'hono/html'

// At its first rendering, hono/jsx looks for AsyncLocalStorage, with which a context of components survives an `await`. We
// have no contexts, and on Node 20 the storage makes every promise of the process dearer: 5 % of a timeline. It does
// without where it finds none.
const node: { getBuiltinModule?: unknown } = process
const { getBuiltinModule } = node
node.getBuiltinModule = undefined
void jsx('i', {}).toString()
node.getBuiltinModule = getBuiltinModule

const tight = new WeakMap<TemplateStringsArray, TemplateStringsArray>()

/**
 * Hono's `html`; a line break in the template, with the spaces around it, is one space. So templates are formatted as code
 * is, and a page is 6 % smaller. Not for `<pre>` and `<textarea>`; values stay as they are.
 */
export function html(strings: TemplateStringsArray, ...values: unknown[]) {
  const known = tight.get(strings)
  if (known) return template(known, ...values)
  const short = strings.map((text) => text.replace(/\s*\n\s*/g, ' '))
  tight.set(strings, Object.assign(short, { raw: strings.raw }))
  return html(strings, ...values)
}
