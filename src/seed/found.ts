// The rows of the mentions and tags in the texts of a large world, as posting would write them.
import type Database from 'libsql'

import { foundIn } from '../base/parse-text.ts'
import { tagsKept } from '../db/tag-build.ts'
import { people } from '../demo/people.ts'
import { Bulk } from './bulk.ts'
import type { Tweet } from './window.ts'

const numbers = new Map(people.map(({ handle }, index) => [handle, index + 1]))
/** The id of a handle: one of the town, or the number at its end (people.ts). */
const idOf = (handle: string): number => numbers.get(handle) ?? Number(/\d+$/.exec(handle)?.[0])

type Parts = { tags: string[]; mentioned: number[] }

/** Collects the rows of mentions and tags; call `flush` at the end. */
export class Found {
  readonly #db: Database.Database
  readonly #users: number
  readonly #uses: Bulk
  readonly #mentions: Bulk
  /** Of each sentence: there are a few thousand. */
  readonly #known = new Map<string, Parts>()

  constructor(db: Database.Database, users: number) {
    this.#db = db
    this.#users = users
    db.exec('CREATE TEMP TABLE uses (tag, tweet_id, user_id, created_at)')
    this.#uses = new Bulk(db, 'temp.uses (tag, tweet_id, user_id, created_at)')
    this.#mentions = new Bulk(db, 'mentions (tweet_id, user_id)')
  }

  add(id: number, { msg, user, at }: Tweet): void {
    if (msg === '') return
    // A text is a sentence, then perhaps a mention, then a tag (texts.ts).
    const end = msg.lastIndexOf(' ')
    const before = msg.slice(0, end)
    const mention = before.includes('@') ? /^(.*) @([a-z0-9_]+)$/s.exec(before) : null
    const [, sentence = '', last] = mention ?? ['', before]
    const { tags, mentioned } = this.#partsOf(sentence)
    const own = msg.slice(end + 2)
    if (!tags.includes(own)) this.#uses.add(own, id, user + 1, at)
    for (const tag of tags) this.#uses.add(tag, id, user + 1, at)
    const whom = last === undefined ? mentioned : new Set([...mentioned, ...this.#ids([last])])
    for (const person of whom) if (person !== user + 1) this.#mentions.add(id, person)
  }

  flush(): void {
    this.#uses.flush()
    this.#mentions.flush()
    // In the order of the table: one after the other, rows of the same tag would be everywhere in the file.
    this.#db
      .exec(`INSERT INTO tag_uses SELECT tag, tweet_id, user_id, created_at FROM temp.uses ORDER BY 1, 2;
      DROP TABLE temp.uses`)
  }

  #ids(handles: string[]): number[] {
    return handles.map(idOf).filter((person) => person <= this.#users)
  }

  #partsOf(sentence: string): Parts {
    const known = this.#known.get(sentence)
    if (known) return known
    const { handles } = foundIn(sentence)
    const parts = { tags: tagsKept(sentence), mentioned: this.#ids(handles) }
    this.#known.set(sentence, parts)
    return parts
  }
}
