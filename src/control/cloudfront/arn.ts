import { ACCOUNT } from './identity.ts'

export function arnOf(kind: 'distribution' | 'function' | 'key-value-store', id: string): string {
  return `arn:aws:cloudfront::${ACCOUNT}:${kind}/${id}`
}
