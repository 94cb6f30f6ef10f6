import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { decode, encode, streamDecode, streamEncode, type OptAnswer, type Packet } from 'dns-packet'

export interface DnsQuestion {
  name: string
  type?: 'A' | 'AAAA' | 'NS' | 'SOA'
  /** As a resolver tells it: `198.51.100.0/24`. */
  subnet?: string
  over?: 'udp' | 'tcp'
}

const WITHIN = 2_000

/** The data of the answers; rejects where there is none in time. */
export async function askDns(at: string, question: DnsQuestion): Promise<string[]> {
  const { hostname, port } = new URL(at.replace(/^dns:/, 'http:'))
  const asked = messageOf(question)
  const where = { host: hostname, port: Number(port) }
  const answer = await (question.over === 'tcp' ? overTcp(where, asked) : overUdp(where, asked))
  // Of the types that are asked for here it is a text.
  return (answer.answers ?? []).map(each => ('data' in each ? (each.data as string) : ''))
}

function messageOf({ name, type = 'A', subnet }: DnsQuestion): Packet {
  const [ip = '', bits = ''] = subnet?.split('/') ?? []
  const options = subnet === undefined ? [] : [{ code: 8, family: 1, sourcePrefixLength: Number(bits), ip }]
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options }
  return { type: 'query', id: 7, questions: [{ name, type }], additionals: [opt as unknown as OptAnswer] } // its types want more than it needs
}

function overUdp({ host, port }: { host: string; port: number }, asked: Packet): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const late = setTimeout(() => settle(() => reject(new Error('no answer over UDP'))), WITHIN)
    const settle = (act: () => void): void => {
      clearTimeout(late)
      socket.close()
      act()
    }
    socket.on('message', message => settle(() => resolve(decode(message))))
    socket.on('error', error => settle(() => reject(error)))
    socket.send(encode(asked), port, host)
  })
}

function overTcp(where: { host: string; port: number }, asked: Packet): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = connect(where)
    let read = Buffer.alloc(0)
    socket.setTimeout(WITHIN, () => socket.destroy(new Error('no answer over TCP')))
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return
      socket.destroy()
      resolve(streamDecode(read))
    })
    socket.write(streamEncode(asked))
  })
}
