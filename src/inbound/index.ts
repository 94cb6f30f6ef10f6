export {
  LEAF_LIFE,
  newAuthority,
  newLeaf,
  newRequest,
  signRequest,
  type Authority,
  type LeafTerms,
  type PemPair,
} from './authority.ts'
export { CertificateShelf, type CertificateShelfOptions } from './certificate-shelf.ts'
export { readCertificate, untimely, type Certificate, type CertificatePair } from './certificate.ts'
export { type Place } from './country-database.ts'
export { CountryFile, readCountryFile, type CountryFileOptions } from './country-file.ts'
export { ConnectionCount, type ConnectionCaps } from './connection-count.ts'
export {
  isAuthorised,
  speakAlsoTls,
  type NodeCredentials,
  type NodePort,
  type NodePortOptions,
} from './node-port.ts'
export { readOpening } from './opening.ts'
export { plainAddress, trustProxies, type TrustedProxies } from './proxies.ts'
