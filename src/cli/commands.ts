import { administrationCommands } from './administration.ts'
import { assetCommands } from './assets.ts'
import { backupCommands } from './backup.ts'
import type { CommandSpec } from './command.ts'
import { distributionCommands } from './distributions.ts'
import { doctorCommand } from './doctor.ts'
import { doctorCookiesCommand } from './doctor-cookies.ts'
import { encryptionCommands } from './encryptions.ts'
import { envCommand } from './env.ts'
import { explainCommand } from './explain.ts'
import { housekeepingCommands } from './housekeeping.ts'
import { issuerCommands } from './issuers.ts'
import { keyCommands } from './keys.ts'
import { liveCommands } from './live.ts'
import { nodeCommands } from './nodes.ts'
import { originAccessCommands } from './origin-access.ts'
import { functionCommands } from './functions.ts'
import { policyCommands } from './policies.ts'
import { storeCommands } from './stores.ts'
import { publishCommand } from './publish.ts'
import { roleCommands } from './roles.ts'
import { signCommands } from './sign.ts'
import { webhookCommands } from './webhooks.ts'
import { upCommand } from './up.ts'

/** Every command of this version, in the order of the help. */
export const COMMANDS: CommandSpec[] = [
  upCommand,
  ...roleCommands,
  publishCommand,
  ...assetCommands,
  ...liveCommands,
  ...signCommands,
  ...keyCommands,
  ...issuerCommands,
  ...distributionCommands,
  ...policyCommands,
  ...encryptionCommands,
  ...functionCommands,
  ...storeCommands,
  ...originAccessCommands,
  ...nodeCommands,
  ...webhookCommands,
  ...administrationCommands,
  envCommand,
  explainCommand,
  doctorCommand,
  doctorCookiesCommand,
  ...backupCommands,
  ...housekeepingCommands,
]
