// What a person types about themselves, and what it must look like.
import * as v from 'valibot'

import { normalAddress } from '../../base/mail-address.ts'
import { isVisible, withoutInvisible } from '../../base/text.ts'
import { normalPassword, passwordBytes } from '../../http/passwords.ts'
import { text } from '../../http/validation.ts'

/** A person's name: 1 to 50 characters, without the invisible ones that make one name look like another. */
export const personName = v.pipe(
  text,
  v.transform(withoutInvisible),
  v.check(isVisible, 'Tell us your name.'),
  v.check((name) => [...name].length <= 50, 'Names have up to 50 characters.'),
)

export const mailaddress = v.pipe(
  text,
  v.transform(normalAddress),
  v.maxLength(120, 'An email address has up to 120 characters.'),
  v.regex(/^[^\s@]+@(?:(?!@)[!-~])+$/, 'That is no email address.'),
)

export const newPassword = v.pipe(
  v.string(),
  v.transform(normalPassword),
  v.check((password) => [...password].length >= 8, 'A password needs 8 characters or more.'),
  v.check(
    (password) => Buffer.byteLength(password) <= passwordBytes,
    `A password can be ${passwordBytes} bytes long: bcrypt ignores the rest.`,
  ),
)
