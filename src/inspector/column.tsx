import type { Child } from 'hono/jsx'

/** The head of a column of a table. `kind` is the class of its cells. */
export const Column = ({ kind, children }: { kind?: string; children?: Child }) => (
  <th scope='col' class={kind}>
    {children}
  </th>
)
