import type { Services } from '../services.ts'
import type { Handlers } from './operation.ts'

/** Every operation that is there, by its name. */
export const cloudFrontHandlers: (services: Services) => Handlers = () => ({})
