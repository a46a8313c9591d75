// Preloaded into a server under test: reports the resource usage of the process over IPC. Measuring from
// within counts all threads, including ended ones, and works on every system.
export type Usage = {
  /** CPU time of the whole process, user and system, in microseconds. */
  cpu: number
  /** Resident memory in bytes. */
  rss: number
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system, rss: process.memoryUsage.rss() } satisfies Usage)
})
process.channel?.unref()
// A server must not outlive a benchmark that was killed.
process.once('disconnect', () => process.exit())
