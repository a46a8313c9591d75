const handleMax = 20

/** The handle that a name suggests: `Lucía Ortega` is `lucia_ortega`. Undefined when it has no Latin letter. */
export function handleOf(name: string): string | undefined {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[Øø]/g, 'o')
    .replace(/[Łł]/g, 'l')
    .replace(/ß/g, 'ss')
    .replace(/[Ææ]/g, 'ae')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, handleMax)
    .replace(/_+$/, '')
  if (!/[a-z]/.test(plain)) return undefined
  // `u<id>` is the handle of those whose name suggests none.
  return /^u\d+$/.test(plain) ? `${plain.slice(0, handleMax - 1)}_` : plain
}

/** The same handle with a number at its end, short enough; never `u<id>`, which belongs to the account with that id. */
export const numbered = (handle: string, number: number): string =>
  (handle === 'u' ? 'u_' : handle).slice(0, handleMax - String(number).length) + number
