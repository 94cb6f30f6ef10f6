import { sign } from 'node:crypto'
import { encodeCloudFront } from '../../src/signing/index.ts'
import type { ConditionCase } from './cases.ts'
import { arriving, P256_ID, vectorFile, type Arriving } from './edge.ts'

const KEY = vectorFile('p256.pem')

/** The request of a case: its placeholders filled, or its grant in cookies. */
export function requestOf([, policy, asked, , more = {}]: ConditionCase): Arriving {
  const { hash = 'sha256', address, action } = more
  const text = encodeCloudFront(Buffer.from(policy))
  const signature = encodeCloudFront(sign(hash, Buffer.from(policy), KEY))
  const expires = /"AWS:EpochTime":(\d+)/.exec(policy)?.[1] ?? ''
  const declared = hash === 'sha256' ? ['Hash-Algorithm=SHA256'] : []
  const common = [`Signature=${signature}`, `Key-Pair-Id=${P256_ID}`, ...declared]
  const filled = asked
    .replaceAll('$G', ['$P', ...common].join('&'))
    .replaceAll('$C', ['$E', ...common].join('&'))
    .replaceAll('$P', `Policy=${text}`)
    .replaceAll('$E', `Expires=${expires}`)
    .replaceAll('$S', `Signature=${signature}`)
    .replaceAll('$K', `Key-Pair-Id=${P256_ID}`)
    .replaceAll('$H', 'Hash-Algorithm=SHA256')
    .replaceAll('$T', `${text}.${signature}.${P256_ID}`)
  const cookies = [`Policy=${text}`, ...common].map(pair => `CloudFront-${pair}`).join('; ')
  return arriving(filled, {
    ...(/\$[A-Z]/.test(asked) ? {} : { cookies }),
    ...(address === undefined ? {} : { address }),
    ...(action === undefined ? {} : { action }),
  })
}
