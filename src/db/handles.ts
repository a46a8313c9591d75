const handleMax = 20

/** Derives a handle from a name: `Lucía Ortega` gives `lucia_ortega`. Undefined when the name has no Latin letter. */
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
  // Not `u<id>`: that is the handle of the user with this id whose name gives no handle.
  return /^u\d+$/.test(plain) ? `${plain.slice(0, handleMax - 1)}_` : plain
}

/** Appends a number to a handle, shortened to the maximum length. Never gives `u<id>`, the handle of that user. */
export const numbered = (handle: string, number: number): string =>
  (handle === 'u' ? 'u_' : handle).slice(0, handleMax - String(number).length) + number
