import type { Check, OtelVariables } from './otel-variables.ts'

const headers: Check = {
  accepts: 'NAME=VALUE pairs separated by commas',
  // The SDK leaves out a header without a value, such as one of a variable that is not set.
  fits: (text) =>
    text.split(',').every((pair) => /^\s*[\w!#$%&'*+.^`|~-]+\s*=/.test(pair) || !pair.trim()),
  otherwise: 'none',
  secret: true,
}

/**
 * Checks a variable with headers for the exporters. The SDK leaves out a header that it cannot decode, without a word; the
 * others are sent, so here is only a warning.
 */
export function checkHeaders(variables: OtelVariables, name: string): void {
  for (const pair of (variables.checked(name, headers) ?? '').split(',')) {
    if (isDecodable(pair)) continue
    const header = /^\s*([\w-]+)\s*=/.exec(pair)?.[1]
    variables.warnings.push(
      `${name}: ${header ? `the header "${header}"` : 'one of the headers'} is not sent, because it has a "%" that is no code such as "%20"; write "%25" for a "%".`,
    )
  }
}

const isDecodable = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
