// Validation of name, email address and new password.
import * as v from 'valibot'

import { normalAddress } from '../../base/mail-address.ts'
import { isVisible, withoutInvisible } from '../../base/text.ts'
import { whyNoHandle } from '../../db/handles.ts'
import { normalPassword, passwordBytes } from '../../http/passwords.ts'
import { text } from '../../http/validation.ts'

/** A name: 1 to 50 characters. Invisible characters are removed: with them, two names could look the same. */
export const personName = v.pipe(
  text,
  v.transform(withoutInvisible),
  v.check(isVisible, 'Tell us your name.'),
  v.check((name) => [...name].length <= 50, 'Names have up to 50 characters.'),
)

/** A handle as it is typed, with or without its `@`, in capitals or not. What it must look like, `whyNoHandle` says. */
export const typedHandle = v.pipe(
  text,
  v.transform((typed) => typed.replace(/^@/, '').toLowerCase()),
)

/** The handle that somebody signs up with; none when the field is missing or empty, as scripts send it. */
export const newHandle = v.optional(
  v.pipe(
    typedHandle,
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed && dataset.value ? whyNoHandle(dataset.value) : undefined
      if (message !== undefined) addIssue({ message })
    }),
  ),
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
