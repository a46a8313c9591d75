// A hashtag: letters, marks, numbers and `_`, with joiners between them, after # or the full-width sign; digits alone are
// none. It does not begin within a word or an address. (The sign comes first in the pattern: that is quick to look for.)
const tagPattern =
  /[#＃](?<![\p{L}\p{M}\p{N}_&/#＃][#＃])((?:[\p{L}\p{M}\p{N}_]|(?<=[\p{L}\p{M}\p{N}])[\u200c\u200d](?=[\p{L}\p{M}\p{N}]))+)/gu
const addressPattern = /https?:\/\/\S+/giu

/** The hashtags of a text as they stand there, without their sign. */
export function tagsOf(msg: string): string[] {
  const bare = msg.replace(addressPattern, ' ')
  return [...bare.matchAll(tagPattern)].map(([, tag]) => tag!).filter((tag) => /\p{L}/u.test(tag))
}

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
