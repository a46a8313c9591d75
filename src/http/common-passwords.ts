// The most common passwords, which attackers try first. An instance with DEMO=0 refuses them and similar ones.
const common = new Set(
  `12345678 123456789 1234567890 0123456789 11111111 00000000 88888888 password password1 password12 password123
  password1234 passw0rd p@ssword p@ssw0rd pa$$word qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 1q2w3e4r 1q2w3e4r5t
  1qaz2wsx q1w2e3r4 q1w2e3r4t5 zaq12wsx zaq1zaq1 asdfghjk asdfghjkl asdf1234 zxcvbnm1 zxcvbnmm iloveyou iloveyou1
  iloveyou2 iloveu12 sunshine sunshine1 princess princess1 football football1 baseball baseball1 basketball superman
  superman1 batman123 spiderman starwars pokemon1 pokemon123 naruto123 minecraft fortnite welcome1 welcome12 welcome123
  letmein1 letmein12 letmein123 trustno1 whatever whatever1 computer computer1 internet internet1 administrator admin123
  admin1234 administrator1 master12 master123 changeme changeme1 default1 secret12 secret123 abcd1234 abc12345 abc123456
  abcdefgh abcdefghi a1b2c3d4 aa123456 a1234567 a12345678 aaaaaaaa asdfasdf qweasdzxc qazwsxedc 147258369 123123123
  123321123 987654321 87654321 11223344 1122334455 12341234 12344321 55555555 66666666 77777777 99999999 20202020
  monkey123 dragon123 shadow123 michael1 jennifer jennifer1 jessica1 charlie1 ashley123 nicole123 daniel123 liverpool
  liverpool1 chelsea1 arsenal1 barcelona realmadrid manchester juventus mustang1 ferrari1 mercedes corvette chocolate
  chocolate1 butterfly butterfly1 snowball christmas december november september passport1 password! password? testtest
  test1234 testing1 testing123 qwe123qwe q1w2e3r4t5y6 mypassword thisismypassword tracewren twitter1 twitter123`.split(
    /\s+/,
  ),
)

/** Is this among the first things that somebody would try? `near`: the person's name and address. */
export function isCommon(password: string, near: string[]): boolean {
  const lower = password.toLowerCase()
  if (common.has(lower) || common.has(lower.replace(/[^a-z0-9]+$/, ''))) return true
  if (/^(.)\1*$/u.test(lower) || /^(..?.?)\1+$/u.test(lower)) return true
  return near
    .flatMap((one) => one.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .some(
      (word) =>
        word.length >= 4 && lower.replace(/[^\p{L}]/gu, '') === word.replace(/[^\p{L}]/gu, ''),
    )
}
