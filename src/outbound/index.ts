export { addressRefused, createGuard, literalRefusal, type Guard, type GuardOptions } from './guard.ts'
export {
  IssuerKeys,
  type IssuerKeysOptions,
  type IssuerSet,
  type KeyLog,
  type Refreshes,
} from './issuer-keys.ts'
