import type { NodeId } from '../core/index.ts'

/**
 * What certificates of our own authority are good for: whoever is asked proves that it is this node, or control, at
 * whatever address it is found.
 */
export const CONTROL_NAME = 'control.sluice.internal'

export function nodeName(id: NodeId): string {
  return `${id}.node.sluice.internal`
}
