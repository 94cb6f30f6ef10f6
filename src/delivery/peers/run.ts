import { randomBytes } from 'node:crypto'

/** Names this process, so that whoever reads of it can tell whether it has ended. */
export const RUN: readonly string[] = ['Sluice-Run', randomBytes(8).toString('hex')]
