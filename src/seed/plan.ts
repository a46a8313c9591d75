/** A world is a function of this: the same plan gives the same file, byte for byte. */
export type Plan = {
  users: number
  tweets: number
  follows: number
  likes: number
  seed: number
  /** When it ends, in ms UTC: the moment of its newest tweets. */
  until: number
}
