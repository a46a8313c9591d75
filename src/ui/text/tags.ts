import { parseText } from './parse.ts'

/** The tags of a text, in lower case and NFKC, without their sign. */
export const tagsOf = (text: string): string[] =>
  parseText(text).flatMap((one) => (one.kind === 'tag' ? one.tag : []))

/** What two spellings of one tag have in common: case, width, and accents of Latin, Greek and Cyrillic letters go. */
export const tagKey = (tag: string): string =>
  tag
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(
      /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]\p{M}*)[\u0300-\u036f]/gu,
      '',
    )
    .normalize('NFC')
