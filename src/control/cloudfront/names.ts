import { CloudFrontError } from './operation.ts'

interface Named {
  id: string
  name?: string | undefined
  reference?: string | undefined
}

/**
 * Refuses what there is already, by name or by the caller's reference: a request that is sent again after its answer was
 * lost makes nothing twice.
 */
export function refuseTwins(code: string, own: Named, others: readonly Named[]): void {
  for (const { id, name, reference } of others) {
    if (id === own.id) continue
    if (own.name !== undefined && name === own.name)
      throw new CloudFrontError(code, `there is one called "${own.name}" already: ${id}`)
    if (own.reference !== undefined && reference === own.reference)
      throw new CloudFrontError(code, `the CallerReference "${own.reference}" was used already, for ${id}`)
  }
}

const NAME = /^[A-Za-z0-9_.-]{1,128}$/

export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new CloudFrontError(
      'InvalidArgument',
      'Name is 1 to 128 letters, digits, dots, dashes and underscores',
    )
}

export function checkComment(comment: string | undefined): void {
  if ((comment ?? '').length > 128)
    throw new CloudFrontError('InvalidArgument', 'a comment has 128 characters at most')
}
