export { certificateFiles, type CertificateFiles } from './certificates.ts'
export { accessKeyOf, readClientFile, type ClientFile } from './client-file.ts'
export { closest } from './closest.ts'
export { parseYaml, renderYaml } from './configuration-file.ts'
export {
  printConfiguration,
  resolveConfiguration,
  SETTING_NAMES,
  type ConfigurationInputs,
  type ResolvedConfiguration,
} from './configuration.ts'
export { emptyDataFolder, findDataFolder, layout, madeBySluice, type DataFolder } from './data-folder.ts'
export { type FirstChannel } from './first-channel.ts'
export { makeSigningKey, SAMPLE_PATH } from './first-run.ts'
export { copyCommand } from './keeping/copy-media.ts'
export { restoreBackup, type Restored } from './keeping/restore-backup.ts'
export { writeBackup, type BackupContents } from './keeping/write-backup.ts'
export { type FileDistributions, type ReadFile } from './file-distributions.ts'
export { formatListen } from './listen.ts'
export { lockPath, lockState, takeLock, type LockState } from './lock.ts'
export { portWishes } from './plan.ts'
export { fixPorts, type PortWish } from './ports.ts'
export { readDatabaseUrl } from './database-url.ts'
export { printReference } from './reference.ts'
export { readSecret } from './secret.ts'
export { SETTINGS, type Configuration, type Setting, type SettingName } from './settings.ts'
export { NODE_ROLES, startNode, type NodeOptions, type NodeReady, type NodeRole } from './node.ts'
export { startControlAlone, type ControlAloneOptions, type ControlReady } from './control-alone.ts'
export { type StartOptions } from './supervise.ts'
export { up, type Ready, type UpOptions } from './up.ts'
