// Random ids of traces and spans: made as integers, and written as digits when somebody reads them, which is rare.

const codes = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const digit = (bits: number, at: number) => codes[(bits >>> at) & 15]!

/** 32 random bits, as a signed integer. */
export const randomBits = (): number => (Math.random() * 2 ** 32) | 0

/** The 16 hex digits of 64 bits, given as two integers. */
export const digitsOf = (high: number, low: number): string =>
  // One call with sixteen arguments: no array, and no text that is made of others.
  String.fromCharCode(
    digit(high, 28),
    digit(high, 24),
    digit(high, 20),
    digit(high, 16),
    digit(high, 12),
    digit(high, 8),
    digit(high, 4),
    digit(high, 0),
    digit(low, 28),
    digit(low, 24),
    digit(low, 20),
    digit(low, 16),
    digit(low, 12),
    digit(low, 8),
    digit(low, 4),
    digit(low, 0),
  )

/** 16 hex digits, not all of them 0. As those of the SDK they identify, and need not be hard to guess. */
export const newSpanId = (): string => digitsOf(randomBits(), randomBits() || 1)

/** 32 hex digits, not all of them 0. */
export const newTraceId = (): string => newSpanId() + newSpanId()
