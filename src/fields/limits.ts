import { KiB, MiB, type Bytes } from '../core/index.ts'

/** CloudFront's quotas. Of a field its decoded value counts, of a body its bytes as they come. */
export const LONGEST_FIELD: Bytes = 16 * KiB
export const LONGEST_FORM: Bytes = MiB
/** That are encrypted, of one request. */
export const MOST_FIELDS = 10
