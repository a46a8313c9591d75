// Loaded into a server under test before its own code: says over IPC what the process has used so far. Asking from
// within counts every thread, ended ones too, and works on every system.
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
