export type { GatewayLimits, GatewayOptions } from './options.ts'
export { startGateway } from './start-gateway.ts'
