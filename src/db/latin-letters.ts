// Latin letters that Unicode does not decompose, and what stands for them in a handle. By their names in Unicode ("l with
// stroke" is l) and, where a language has a custom, by that. All of \p{Script=Latin}: a test goes through them.

/** What stands for them, a space, then the letters; none stands for glottal stops, clicks and tones. */
const table = `
  - ƻƾǀǁǂǃɂʔʕʖʘʡʢʬʭᴤᴥꜥꜫꜭꜯꞌꞏ𝼊𝼎꟏
  a ɐɑɒᴀᶏᶐⱥꜣꞻꬰꬱꭤ
  aa ꜳ𐞀
  ae æᴁᴂꞛ
  ao ꜵ
  au ꜷ
  av ꜹꜻ
  ay ꜽ
  b ƀƃɓʙᴃᴯᵬᶀꞗꞵ
  c ƈȼɕʗᴄↄꜿꞓꞔ𝼏𝼝
  con ꝯ
  d ðđƌƍȡɖɗᴅᴆᵭᶁᶑẟꝺꟈ𝼥
  db ȸ
  dum ꝱ
  dz ʣʥꭦ
  dzh ʤ𝼒𝼙
  e ǝɇɘəɚɛɜɝɞʚᴇᴈᶒᶓᶔᶕⱸⱻꬲꬳꬴꭡ
  et ꝫ
  f ƒɸᵮᶂⅎⱷꜰꝼꞙꟻꬵ
  fng ʩ𝼀
  g ǥɠɡɢɣɤʛᵷᵹᶃꝿꞡꟑꬶ𝼁𝼂
  gh ƣ
  h ħƅɥɦɧʜʮʯⱨⱶꜧꞕꟶ
  hv ƕ
  i ıɨɩɪᴉᵎᵻᵼᶖꞽꟷꟾ𝼚
  ie ꭠ
  is ꝭ
  j ȷɉɟʄʝᴊ
  k ĸƙʞᴋᶄⱪꝁꝃꝅꞣ𝼃𝼐
  l łƚƛȴɫɬɭɮʟᴌᶅⱡꝇꝉꞁꞎꟛꬷꬸꬹ𝼄𝼅𝼑𝼓𝼦
  ll ỻ
  ls ʪ
  lum ꝲ
  lz ʫ
  m ɱᴍᴟᵯᶆꟺꟽꟿꬺ
  mum ꝳ
  n ƞȵɲɳɴᴎᴻᵰᶇꞑꞥꬻ𝼧
  ng ŋᵑꬼ𝼇𝼔
  num ꝴ
  o øɔɵɷᴏᴐᴑᴒᴓᴖᶗⱺꝋꝍꞷꟁꬽꬾꬿꭃꭄ𝼛
  oe œɶᴔꞝꭀꭁꭂꭢ
  oo ꝏ
  ou ȣᴕ
  p ƥᴘᵱᵽᶈꝑꝓꝕꟼ
  q ƽɋʠꝗꝙꞯ
  qp ȹ
  r ɍɹɺɻɼɽɾɿʀʁᴙᴚᵲᵳᶉⱹꝛꞃꞧꭅꭆꭇꭈꭉꭊꭋꭌꭨ𝼈𝼕𝼖𝼨
  rum ꝝꝵꝶ
  s ȿʂᵴᶊẜẝꜱꞅꞩꟊꟍꟗꟙ𝼞𝼩
  sh ƪʃʅʆᶋᶘꭍ𝼋𝼌
  ss ß
  t ŧƫƭȶʇʈᴛᵵⱦꞇ𝼉𝼍𝼪
  tc ʨ
  th þᵺꝥꝧꟓ
  ts ʦꭧ
  tsh ʧ𝼗𝼜
  tum ꝷ
  tz ꜩ
  u ʉʊᴗᴜᴝᴞᵾᵿᶙꞹꞿꭎꭏꭒ
  ue ᵫꞟ
  ui ꭐꭑ
  um ꝸ
  uo ꭣ
  v ʋʌᴠᶌỽⱱⱴꝟ
  vy ꝡ
  w ƿʍᴡⱳꝩꟃꟕɯɰ
  x ᶍꭓꭔꭕꭖꭗꭘꭙ
  y ƴȝɏʎʏỿꭚ𝼆
  z ƨƶƹƺȥɀʐʑʒʓᴢᴣᵶᶎᶚⱬꝣ𝼘
`

const plainOf = new Map(
  table
    .trim()
    .split(/\n\s*/)
    .flatMap((line) => {
      const [plain, letters] = line.split(' ') as [string, string]
      return [...letters].map((letter) => [letter, plain === '-' ? '' : plain] as const)
    }),
)

/**
 * A text in small letters with the Latin ones among them as a to z. Marks on them (accents, cedillas) are gone; letters
 * of other scripts stay.
 */
export const plainLatin = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    // Signs within words: the apostrophes of Hawaiian, Uzbek and others, and the dot in the middle of Catalan l·l.
    .replace(/[\u00b7\u02b9-\u02d1]/g, '')
    .replace(/[^\x00-\x7f]/gu, (letter) => plainOf.get(letter) ?? letter)
