// The entry point of the program. Signals are handled first, because loading the rest takes 250 ms.
import { handleSignals } from './base/shutdown.ts'

handleSignals()
await import('./server.ts')
