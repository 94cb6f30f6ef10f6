import { ACCOUNT } from './identity.ts'

export function arnOf(kind: 'distribution' | 'function', id: string): string {
  return `arn:aws:cloudfront::${ACCOUNT}:${kind}/${id}`
}
