import { TLSSocket } from 'node:tls'
import type { Distribution } from '../../distribution/index.ts'
import { Peer } from '../../http2/index.ts'
import type { Incoming } from '../exchange.ts'

/** What a distribution says of TLS to those who ask for one of its names; as everywhere where it says nothing. */
export type NameTerms = Pick<Distribution, 'minimumTls' | 'http' | 'certificate'>

/** Known when the certificate is chosen already, and so before anything is said. */
export function isTooOld(socket: TLSSocket, terms: NameTerms | undefined): boolean {
  return terms?.minimumTls === '1.3' && socket.getProtocol() !== 'TLSv1.3'
}

/** Whether a request came over less than its host wants, on a connection that was made under another name. */
export function isSpokenTooOld({ socket }: Incoming, terms: NameTerms): boolean {
  const spoken = socket instanceof Peer ? socket.socket : socket
  return spoken instanceof TLSSocket && isTooOld(spoken, terms)
}
