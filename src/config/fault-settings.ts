import { isIPv4 } from 'node:net'

import { StartError } from './start-error.ts'

type Given = {
  FAULTS?: '0' | '1' | undefined
  HOST: string
  PUBLIC_ORIGIN?: string | undefined
  OPERATORS: string[]
  demo: boolean
  https: boolean
}

/** Does this name or address of HOST reach only this machine? */
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** A demo that nobody but this machine reaches: a person at it may break it. */
export const isLocalDemo = ({ demo, HOST, PUBLIC_ORIGIN }: Omit<Given, 'OPERATORS' | 'https'>) =>
  demo && isLoopback(HOST) && PUBLIC_ORIGIN === undefined

/** Is the fault lab on? By default only in a local demo. Throws a StartError where nobody could be trusted with it. */
export function breaksOnPurpose(given: Given): boolean {
  if (given.FAULTS === undefined) return isLocalDemo(given)
  const isPublic = !given.demo || given.https
  if (given.FAULTS === '1' && isPublic && given.OPERATORS.length === 0)
    throw new StartError(
      'FAULTS is "1" with DEMO=0 or a public https address, but OPERATORS is empty: only operators may break such ' +
        'an instance on purpose. Name them in OPERATORS, or set FAULTS=0.',
    )
  return given.FAULTS === '1'
}

/** The file in the data folder whose token lets a program switch faults. */
export const faultTokenFile = 'faults.token'
