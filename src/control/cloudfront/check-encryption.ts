import { createPublicKey } from 'node:crypto'
import { patternProblems, type PublicKey } from '../../distribution/index.ts'
import { itemsOf } from './lists.ts'
import type { Refusal } from './findings.ts'
import type { FieldLevelEncryptionConfig, FieldLevelEncryptionProfileConfig } from './shapes.ts'

/** CloudFront's quotas. */
export const MOST_ENCRYPTIONS = 10
export const MOST_PROFILES = 10
export const MOST_DISTRIBUTIONS_EACH = 20
const MOST_PATTERNS = 10
const MOST_ARGUMENTS = 5

export const FORM = 'application/x-www-form-urlencoded'
const PROVIDER = /^[A-Za-z0-9:_-]{1,128}$/
/** As it stands in a URL. */
const ARGUMENT = /^(?:[A-Za-z0-9._*+-]|%[0-9A-Fa-f]{2}){1,128}$/

/** What is wrong with a profile, each under CloudFront's word for it; `place` is how the sentences call it. */
export function profileRefusals(
  { EncryptionEntities: entities }: FieldLevelEncryptionProfileConfig,
  keys: readonly PublicKey[],
  place: string,
): Refusal[] {
  const all = itemsOf(entities)
  return [
    ...(all.length > 1
      ? [
          refusal(
            'TooManyFieldLevelEncryptionEncryptionEntities',
            `${place} has more than one key: make a profile for each`,
          ),
        ]
      : []),
    ...all.flatMap(({ PublicKeyId: id = '', ProviderId: provider = '', FieldPatterns: patterns }) => [
      ...keyRefusals(id, keys, place),
      ...(PROVIDER.test(provider)
        ? []
        : [invalid(`the provider of ${place} is 1 to 128 letters, digits, colons, dashes and underscores`)]),
      ...patternRefusals(itemsOf(patterns), place),
    ]),
  ]
}

function patternRefusals(patterns: readonly string[], place: string): Refusal[] {
  return patternProblems(patterns, place).map(problem =>
    refusal(
      patterns.length > MOST_PATTERNS ? 'TooManyFieldLevelEncryptionFieldPatterns' : 'InvalidArgument',
      problem,
    ),
  )
}

/** Signatures are checked by other keys, too. */
function keyRefusals(id: string, keys: readonly PublicKey[], place: string): Refusal[] {
  const key = keys.find(each => each.id === id)
  if (key === undefined)
    return [refusal('NoSuchPublicKey', `there is no public key ${id.slice(0, 80)}, which ${place} names`)]
  const { modulusLength } = createPublicKey(key.pem).asymmetricKeyDetails ?? {}
  return key.type === 'rsa' && modulusLength === 2048
    ? []
    : [
        invalid(
          `the key ${id} of ${place} is not RSA with 2048 bits: make one, openssl genrsa -out private.pem 2048`,
        ),
      ]
}

/** The same of a configuration; `profiles` are the ids that there are. */
export function configRefusals(config: FieldLevelEncryptionConfig, profiles: ReadonlySet<string>): Refusal[] {
  const byArgument = itemsOf(config.QueryArgProfileConfig?.QueryArgProfiles)
  const byType = itemsOf(config.ContentTypeProfileConfig?.ContentTypeProfiles)
  const known = (id: string | undefined): Refusal[] =>
    id === undefined || id === '' || profiles.has(id)
      ? []
      : [refusal('NoSuchFieldLevelEncryptionProfile', `there is no profile ${id.slice(0, 80)}`)]
  return [
    ...(byArgument.length > MOST_ARGUMENTS
      ? [
          refusal(
            'TooManyFieldLevelEncryptionQueryArgProfiles',
            `a query chooses among ${MOST_ARGUMENTS} profiles at most`,
          ),
        ]
      : []),
    ...byArgument.flatMap(({ QueryArg: argument = '', ProfileId: id = '' }, at) => [
      ...argumentRefusals(argument),
      ...(byArgument.findIndex(each => each.QueryArg === argument) < at
        ? [invalid(`the query argument "${argument.slice(0, 128)}" stands there twice`)]
        : []),
      ...(id === ''
        ? [invalid(`the query argument "${argument.slice(0, 128)}" names no profile`)]
        : known(id)),
    ]),
    ...(byType.length > 1
      ? [
          refusal(
            'TooManyFieldLevelEncryptionContentTypeProfiles',
            `there is one content type that is encrypted, ${FORM}`,
          ),
        ]
      : []),
    ...byType.flatMap(({ ContentType: type, Format: format, ProfileId: id }) => [
      ...(type === FORM ? [] : [invalid(`ContentType is ${FORM}, and nothing else is encrypted`)]),
      ...(format === 'URLEncoded' ? [] : [invalid('Format is URLEncoded')]),
      ...known(id),
    ]),
  ]
}

function argumentRefusals(argument: string): Refusal[] {
  if (argument === '') return [refusal('QueryArgProfileEmpty', 'a query argument is empty')]
  return ARGUMENT.test(argument)
    ? []
    : [
        invalid(
          `the query argument "${argument.slice(0, 128)}" is none: 1 to 128 letters, digits, . _ * + - and escapes, as in a URL`,
        ),
      ]
}

function invalid(message: string): Refusal {
  return refusal('InvalidArgument', message)
}

function refusal(code: string, message: string): Refusal {
  return { code, message }
}
