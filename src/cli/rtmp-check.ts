import { connect } from 'node:net'
import type { Milliseconds } from '../core/index.ts'

const PATIENCE: Milliseconds = 3_000
/** C0 and C1 of RTMP's handshake: the version, then a time, zeros and what would be random. */
const HELLO = Buffer.concat([Buffer.from([3]), Buffer.alloc(1536)])

/** Whether an RTMP server answers there: the first byte of its handshake is the version, 3. */
export function answersRtmp(host: string, port: number): Promise<'answers' | 'silent' | 'stranger'> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const settle = (found: 'answers' | 'silent' | 'stranger'): void => {
      socket.destroy()
      resolve(found)
    }
    socket.setTimeout(PATIENCE, () => settle('silent'))
    socket.on('connect', () => socket.write(HELLO))
    socket.on('data', bytes => settle(bytes[0] === 3 ? 'answers' : 'stranger'))
    socket.on('error', () => settle('silent'))
    socket.on('end', () => settle('silent'))
  })
}
