// The entry of the program: signals first, because loading the rest takes a quarter of a second.
import { handleSignals } from './base/shutdown.ts'

handleSignals()
await import('./server.ts')
