// The wire between machines, each a network namespace whose one way to the others is a VXLAN device: the kernel packs its
// Ethernet frames into UDP datagrams for this process, which carries them to where they are addressed. So it is real
// packets that are late, lost or cut here, and the machines' own TCP deals with it.
// node wire.mjs DELAY-MS LOSS-PERCENT; told by messages who is cut off: { cut: NUMBER, reaches: [NUMBER…] } | { heal: NUMBER },
// and who is further from whom than all others: { between: [NUMBER, NUMBER], delayMs: NUMBER }
import { createSocket } from 'node:dgram'

const VXLAN_PORT = 4789
const VXLAN_HEADER = 8
const ETHERNET_HEADER = 14
/** A frame waits no longer than its delay, so this is some seconds of what the machines can send; beyond it frames are lost. */
const MOST_WAITING = 100_000

const [delayMs = 0, lossPercent = 0] = process.argv.slice(2).map(Number)
/** Of each that is cut off, those whom it still reaches. */
const cuts = new Map()
/** Of pairs that have a delay of their own, both ways round. */
const delays = new Map()
/** By when they are due. */
const waiting = []
let timer
const counts = { carried: 0, lost: 0, cut: 0 }
const socket = createSocket('udp4')

const apart = (one, other) => cuts.has(one) && !cuts.get(one).has(other)

/** Where the checksum of a segment is, by the protocol's number: TCP's (RFC 9293 §3.1) and UDP's (RFC 768). */
const CHECKSUM_AT = { 6: 16, 17: 6 }

/**
 * Virtual devices leave these checksums to whoever puts packets on a real wire, which is this process: over the pseudo
 * header of IPv4. ICMP comes with its own.
 */
function seal(frame) {
  const packet = frame.subarray(ETHERNET_HEADER)
  const checksumAt = CHECKSUM_AT[packet[9]]
  if (frame.readUInt16BE(12) !== 0x0800 || checksumAt === undefined) return
  const segment = packet.subarray((packet[0] & 15) * 4, packet.readUInt16BE(2))
  segment.writeUInt16BE(0, checksumAt)
  let sum = packet[9] + segment.length
  for (let at = 12; at < 20; at += 2) sum += packet.readUInt16BE(at)
  for (let at = 0; at + 1 < segment.length; at += 2) sum += (segment[at] << 8) | segment[at + 1]
  if (segment.length % 2 === 1) sum += segment[segment.length - 1] << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  // Of UDP, 0 says that there is none; 0xffff is the same number.
  segment.writeUInt16BE(~sum & 0xffff || 0xffff, checksumAt)
}

/** Numbers of machines stand in the addresses that they were given; all else (multicast) ends here. */
function arrive(datagram, { address }) {
  const from = Number(address.split('.')[2])
  const [first, , , , , to] = datagram.subarray(VXLAN_HEADER)
  if (first !== 2) return
  if (apart(from, to) || apart(to, from)) return void counts.cut++
  if (Math.random() * 100 < lossPercent || waiting.length >= MOST_WAITING) return void counts.lost++
  seal(datagram.subarray(VXLAN_HEADER))
  const delay = delays.get(`${from}-${to}`) ?? delayMs
  const due = performance.now() + delay
  // One that came before is not overtaken by one that is due at the same time.
  const at = waiting.findLastIndex(each => each.due <= due) + 1
  waiting.splice(at, 0, { due, datagram, to })
  if (at === 0) deliverIn(delay)
}

function deliverIn(milliseconds) {
  clearTimeout(timer)
  timer = setTimeout(deliver, milliseconds)
}

function deliver() {
  const now = performance.now()
  let due = waiting.findIndex(each => each.due > now)
  if (due === -1) due = waiting.length
  for (const { datagram, to } of waiting.splice(0, due)) {
    counts.carried++
    socket.send(datagram, VXLAN_PORT, `10.78.${to}.2`, () => {}) // an error is a loss, as of any frame
  }
  if (waiting.length > 0) deliverIn(Math.max(1, waiting[0].due - now))
}

process.on('message', ({ cut, reaches, heal, between, delayMs }) => {
  if (cut !== undefined) cuts.set(cut, new Set(reaches))
  if (heal !== undefined) cuts.delete(heal)
  if (between !== undefined) {
    const [one, other] = between
    delays.set(`${one}-${other}`, delayMs).set(`${other}-${one}`, delayMs)
  }
  process.send?.({ counts })
})
process.on('disconnect', () => process.exit())
socket.on('message', arrive)
socket.bind(VXLAN_PORT, () => {
  socket.setRecvBufferSize(4 << 20)
  process.send?.({ ready: true })
})
