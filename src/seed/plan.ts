/** Everything that determines a world: the same plan gives the same file, byte for byte. */
export type Plan = {
  users: number
  tweets: number
  follows: number
  likes: number
  seed: number
  /** The time of the newest tweets, in ms since 1970 UTC. */
  until: number
}
