type Member<Job, Result> = {
  job: Job
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/** What became of one job of a group. */
export type Outcome<Result> = { result: Result } | { error: unknown }

/** Commits these jobs together, or rejects for all of them; it may wait until `deadline` (performance.now). */
type Commit<Job, Result> = (jobs: Job[], deadline: number) => Promise<Outcome<Result>[]>

/**
 * Lets the writes of one turn of the event loop share a commit: where each is synced, it costs milliseconds for
 * everybody. One group follows the other; nobody is answered before the commit of their group.
 */
export class CommitGroups<Job, Result> {
  readonly #commit: Commit<Job, Result>
  #members: Member<Job, Result>[] = []
  #last = Promise.resolve()

  constructor(commit: Commit<Job, Result>) {
    this.#commit = commit
  }

  /** Gives the job's own result, or rejects with its own error or that of the commit. */
  join(job: Job, deadline: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#members.push({ job, resolve, reject })
      if (this.#members.length === 1) this.#last = this.#last.then(() => this.#run(deadline))
    })
  }

  async #run(deadline: number): Promise<void> {
    await new Promise(setImmediate)
    const members = this.#members.splice(0)
    try {
      const jobs = members.map(({ job }) => job)
      const outcomes = await this.#commit(jobs, deadline)
      for (const [index, { resolve, reject }] of members.entries()) {
        const outcome = outcomes[index]!
        if ('result' in outcome) resolve(outcome.result)
        else reject(outcome.error)
      }
    } catch (error) {
      for (const { reject } of members) reject(error)
    }
  }
}
