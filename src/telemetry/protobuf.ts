// Writes protobuf messages (the wire format of https://protobuf.dev/programming-guides/encoding/).

/** The wire types of protobuf. */
const wire = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 }

/** The UTF-8 of texts that come again and again: names of attributes, SQL, routes. */
const texts = new Map<string, Uint8Array>()
/** An upper bound of what `texts` takes, with some 100 bytes for each entry. Then they are collected anew. */
const textBytesMax = 1024 * 1024
let textBytes = 0

function encoded(text: string): Uint8Array {
  const known = texts.get(text)
  if (known) return known
  const bytes = Buffer.from(text, 'utf8')
  textBytes += 100 + bytes.length
  if (textBytes > textBytesMax) {
    texts.clear()
    textBytes = 0
  } else texts.set(text, bytes)
  return bytes
}

/** A message that is written from its end to its start: the length of a part is known when it is written, before the part. */
export class Message {
  #bytes: Buffer
  #start: number

  /** `size` is a guess; it grows. */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size)
    this.#start = size
  }

  /** The number of bytes that have been written. */
  get length(): number {
    return this.#bytes.length - this.#start
  }

  /** The bytes of the whole message. */
  finish(): Uint8Array {
    return this.#bytes.subarray(this.#start)
  }

  /** Makes room in front of what is written and says where it begins. `#bytes` is another one afterwards. */
  #room(size: number): number {
    if (size > this.#start) {
      const grown = Buffer.allocUnsafe(2 * (this.#bytes.length + size))
      const start = grown.length - this.length
      this.#bytes.copy(grown, start, this.#start)
      this.#bytes = grown
      this.#start = start
    }
    return (this.#start -= size)
  }

  /** From 0 to 2^28. */
  #varint(value: number): void {
    let at = this.#room(value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4)
    let rest = value
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80
    this.#bytes[at] = rest
  }

  /** As 64 bits in two's complement. */
  #varint64(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    const groups: number[] = []
    for (; rest > 0x7fn; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80)
    const at = this.#room(groups.length + 1)
    this.#bytes.set([...groups, Number(rest)], at)
  }

  /** Puts the number and kind of a field in front of its content. */
  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType)
  }

  /** A whole number, from -2^63 to 2^63. */
  number(field: number, value: number): void {
    if (value >= 0 && value < 2 ** 28) this.#varint(value)
    else this.#varint64(value)
    this.#tag(field, wire.varint)
  }

  /** A number with a fraction. */
  double(field: number, value: number): void {
    const at = this.#room(8)
    this.#bytes.writeDoubleLE(value, at)
    this.#tag(field, wire.fixed64)
  }

  /** 32 bits. */
  flags(field: number, value: number): void {
    const at = this.#room(4)
    this.#bytes.writeUInt32LE(value, at)
    this.#tag(field, wire.fixed32)
  }

  /** A time in nanoseconds, which are more than 2^53: multiplied in two halves. */
  time(field: number, seconds: number, nanos: number): void {
    const upper = Math.floor(seconds / 0x10000) * 1e9
    const lower = (seconds % 0x10000) * 1e9 + nanos + (upper % 0x10000) * 0x10000
    const at = this.#room(8)
    this.#bytes.writeUInt32LE(lower % 2 ** 32, at)
    this.#bytes.writeUInt32LE(Math.floor(upper / 0x10000) + Math.floor(lower / 2 ** 32), at + 4)
    this.#tag(field, wire.fixed64)
  }

  /** A text, as UTF-8. */
  text(field: number, text: string): void {
    const bytes = encoded(text)
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
    this.end(field, bytes.length)
  }

  /** Bytes, given as hex digits. */
  id(field: number, digits: string): void {
    const size = digits.length / 2
    const at = this.#room(size)
    this.#bytes.write(digits, at, 'hex')
    this.end(field, size)
  }

  /** Eight bytes, given as two signed integers of 32 bits. */
  bits(field: number, high: number, low: number): void {
    const at = this.#room(8)
    this.#bytes.writeInt32BE(high, at)
    this.#bytes.writeInt32BE(low, at + 4)
    this.end(field, 8)
  }

  /** Ends a part of so many bytes, which have been written just before. */
  end(field: number, bytes: number): void {
    this.#varint(bytes)
    this.#tag(field, wire.delimited)
  }
}
