export {
  createPackager,
  type PackageOutcome,
  type Packager,
  type PackageRequest,
  type PackagerOptions,
} from './package-asset.ts'
export { PACKAGER_FORMAT, reindex, TARGET_SEGMENT, type StoredRendition } from './renditions.ts'
