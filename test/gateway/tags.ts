import { FlvReader, type FlvTag } from '../../src/cmaf/index.ts'

/** Tags as OBS sends them, each with a number in its data by which a test knows it again. */
export const metadata = (n = 0, timestamp = 0): FlvTag => ({
  type: 'script',
  timestamp,
  data: Uint8Array.from([2, 0, 10, ...Buffer.from('onMetaData'), 8, n]),
})
export const videoHeader = (n = 0, timestamp = 0): FlvTag => video([0x17, 0, 0, 0, 0, n], timestamp)
export const audioHeader = (n = 0, timestamp = 0): FlvTag => audio([0xaf, 0, n], timestamp)
export const keyframe = (n: number, timestamp = n): FlvTag => video([0x17, 1, 0, 0, 0, n], timestamp)
export const picture = (n: number, timestamp = n): FlvTag => video([0x27, 1, 0, 0, 0, n], timestamp)
export const sound = (n: number, timestamp = n): FlvTag => audio([0xaf, 1, n], timestamp)

/** A picture of a size, for filling queues. */
export function large(n: number, bytes: number): FlvTag {
  const data = new Uint8Array(bytes)
  data.set([0x27, 1, 0, 0, 0, n])
  return { type: 'video', timestamp: n, data }
}

function video(data: number[], timestamp: number): FlvTag {
  return { type: 'video', timestamp, data: Uint8Array.from(data) }
}

function audio(data: number[], timestamp: number): FlvTag {
  return { type: 'audio', timestamp, data: Uint8Array.from(data) }
}

/** `keyframe 7`, `picture 8`, `sound 9`, `video header 0`, `audio header 0`, `metadata 0`. */
export function nameOf({ type, data }: FlvTag): string {
  const [first = 0, second] = data
  if (type === 'script') return `metadata ${data.at(-1)}`
  if (type === 'audio') return `${second === 0 ? 'audio header' : 'sound'} ${data[2]}`
  const kind = second === 0 ? 'video header' : first === 0x17 ? 'keyframe' : 'picture'
  return `${kind} ${data[5]}`
}

/** The tags of a whole body, by name. */
export function namesIn(...pieces: Uint8Array[]): string[] {
  return tagsIn(...pieces).map(nameOf)
}

export function tagsIn(...pieces: Uint8Array[]): FlvTag[] {
  return new FlvReader().push(Buffer.concat(pieces))
}
