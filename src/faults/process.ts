// The fault lab of a process: its token, and the signal that ends all faults.
import { join } from 'node:path'

import { faultTokenFile } from '../config/fault-settings.ts'
import { dataFolder } from '../db/data-folder.ts'
import { errorFacts, log } from '../telemetry/log.ts'
import type { Place } from './fault.ts'
import { listenForGame } from './game.ts'
import { FaultLab } from './lab.ts'
import { writeToken } from './token.ts'

export type OpenLab = { lab: FaultLab; close: () => void }

/** Opens the lab and writes its token; undefined with FAULTS=0. SIGUSR2 ends all faults. */
export function openLab(place: Place): OpenLab | undefined {
  if (!place.settings.faults) return undefined
  const lab = new FaultLab(place)
  const removeToken = tokenFor(join(dataFolder(place.settings.DATABASE_URL), faultTokenFile))
  const endAll = () => void lab.endAll('signal')
  process.on('SIGUSR2', endAll)
  listenForGame(lab)
  return {
    lab,
    close() {
      lab.endAll('shutdown')
      process.off('SIGUSR2', endAll)
      removeToken()
    },
  }
}

/** Without its file, people at this machine and operators can still switch faults. */
function tokenFor(file: string): () => void {
  try {
    return writeToken(file)
  } catch (error) {
    log.warn('no token for npm run fault', { path: file, ...errorFacts(error) })
    return () => undefined
  }
}
