// Loaded into the server by a test (`node --import`): prints the delays of its event loop at SIGUSR2, and starts anew.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const delays = monitorEventLoopDelay({ resolution: 5 })
delays.enable()
process.on('SIGUSR2', () => {
  const ms = (nanoseconds) => Math.round(nanoseconds / 1e4) / 100
  process.stdout.write(
    `loop-delay ${JSON.stringify({ p50: ms(delays.percentile(50)), p99: ms(delays.percentile(99)), max: ms(delays.max), samples: delays.count })}\n`,
  )
  delays.reset()
})
