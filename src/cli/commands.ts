import { administrationCommands } from './administration.ts'
import { assetCommands } from './assets.ts'
import type { CommandSpec } from './command.ts'
import { doctorCommand } from './doctor.ts'
import { housekeepingCommands } from './housekeeping.ts'
import { keyCommands } from './keys.ts'
import { liveCommands } from './live.ts'
import { publishCommand } from './publish.ts'
import { signCommands } from './sign.ts'
import { upCommand } from './up.ts'

/** Every command of this version, in the order of the help. */
export const COMMANDS: CommandSpec[] = [
  upCommand,
  publishCommand,
  ...assetCommands,
  ...liveCommands,
  ...signCommands,
  ...keyCommands,
  ...administrationCommands,
  doctorCommand,
  ...housekeepingCommands,
]
