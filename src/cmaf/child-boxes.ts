import { refuse } from './refusal.ts'
import { printable, type Window } from './window.ts'

export interface Box {
  type: string
  /** What follows the size and type (ISO/IEC 14496-12, 4.2). */
  body: Window
}

/** Far above what any container of a real file holds, so that eight-byte boxes cannot fill memory. */
const MOST_CHILDREN = 1024

/**
 * The boxes inside a container. The reader walks down known paths only and never descends by itself, so that deep
 * nesting costs nothing. A rest of fewer than eight bytes is let pass: QuickTime ends some lists with a zero word.
 */
export function childBoxes(parent: Window, from = 0): Box[] {
  const found: Box[] = []
  let at = from
  while (parent.length - at >= 8) {
    const type = parent.fourcc(at + 4)
    const inside = `The box "${printable(type)}" inside "${parent.name}"`
    let size = parent.u32(at)
    let header = 8
    if (size === 0) refuse('malformed', `${inside} states no size, which only the last box of a file may do.`)
    if (size === 1) {
      size = parent.u64(at + 8)
      header = 16
    }
    if (size < header) refuse('malformed', `${inside} is smaller than its own header.`)
    if (size > parent.length - at) refuse('malformed', `${inside} reaches beyond it.`)
    if (found.length === MOST_CHILDREN) {
      refuse('malformed', `The box "${parent.name}" holds more than ${MOST_CHILDREN} boxes.`)
    }
    found.push({ type, body: parent.sub(at + header, at + size, printable(type)) })
    at += size
  }
  return found
}

/** The one box of a type; two of them contradict each other and are refused. */
export function optionalBox(boxes: readonly Box[], type: string): Window | undefined {
  const found = boxes.filter(box => box.type === type)
  if (found.length > 1) refuse('malformed', `There are ${found.length} "${type}" boxes where one is allowed.`)
  return found[0]?.body
}

export function requiredBox(boxes: readonly Box[], type: string, owner: string): Window {
  return optionalBox(boxes, type) ?? refuse('malformed', `The ${owner} has no "${type}" box.`)
}
