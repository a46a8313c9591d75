// Validation of name, email address and new password.
import * as v from 'valibot'

import { passwordBytes } from '../../http/passwords.ts'
import { text } from '../../http/validation.ts'

/** A name: 1 to 50 characters. Invisible characters are removed: with them, two names could look the same. */
export const personName = v.pipe(
  text,
  v.transform((name) =>
    name
      .replace(/[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\n\t]/gu, '')
      .replace(/\u200d(?!\p{Extended_Pictographic})/gu, '')
      .trim(),
  ),
  v.minLength(1, 'Tell us your name.'),
  v.check((name) => [...name].length <= 50, 'Names have up to 50 characters.'),
)

export const mailaddress = v.pipe(
  text,
  v.toLowerCase(),
  v.maxLength(120, 'An email address has up to 120 characters.'),
  v.regex(/^[^\s@]+@[^\s@]+$/, 'That is no email address.'),
)

export const newPassword = v.pipe(
  v.string(),
  v.check((password) => [...password].length >= 8, 'A password needs 8 characters or more.'),
  v.check(
    (password) => Buffer.byteLength(password) <= passwordBytes,
    `A password can be ${passwordBytes} bytes long: bcrypt ignores the rest.`,
  ),
)
