// What encrypting fields of forms costs: values a second of one thread, how long whoever shares the process waits
// meanwhile, and how fast forms are read of which nothing is encrypted. SECONDS=5 changes how long each part takes.
import { generateKeyPairSync } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { EncryptedForm, EncryptorThread } from '../dist/fields/index.js'
import { report } from './running.mjs'

const SECONDS = Number(process.env.SECONDS ?? 5)
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = publicKey.export({ type: 'spki', format: 'pem' })
const recipient = { provider: 'bench', keyName: 'bench', pem }
const profile = { id: 'P', entities: [{ keyId: 'K', ...recipient, patterns: ['card*', 'iban', 'holder[*'] }] }
const encryptor = new EncryptorThread()
await encryptor.encrypt(Buffer.from('warm'), recipient)

const value = size => Buffer.alloc(size, 'x')
const ms = nanoseconds => (nanoseconds / 1e6).toFixed(1)

/** Does it again and again, several at once; how often a second, and how late timers of this process were. */
async function measured(work, atOnce = 1) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  const end = began + SECONDS * 1000
  let done = 0
  const run = async () => {
    while (performance.now() < end) {
      await work()
      done++
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, run))
  delay.disable()
  return { rate: Math.round((done * 1000) / (performance.now() - began)), delay }
}

const idle = await measured(() => new Promise(resolve => setTimeout(resolve, 10)))
const small = await measured(() => encryptor.encrypt(value(16), recipient), 100)
const large = await measured(() => encryptor.encrypt(value(16_384), recipient), 100)

async function* chunks(body) {
  for (let at = 0; at < body.length; at += 65_536) {
    yield body.subarray(at, at + 65_536)
    // As they come from a socket.
    await new Promise(resolve => setImmediate(resolve))
  }
}

async function readForm(body) {
  const form = new EncryptedForm(chunks(body), profile, encryptor)
  await form.prepare()
  let size = 0
  for await (const part of form) size += part.length
  return size
}

const megabyte = unit => Buffer.from(unit.repeat(Math.floor(1_048_576 / unit.length)))
const plain = await measured(() => readForm(megabyte('name=a+long+enough+value%20of+some+field&')))
const hostile = await measured(() => readForm(megabyte('c&')))
await encryptor.close()

const delays = ({ delay }) => `${ms(delay.percentile(50))} / ${ms(delay.percentile(99))} / ${ms(delay.max)}`
report('fields: values of 16 bytes encrypted', small.rate, '/s')
report('fields: values of 16 KiB encrypted', large.rate, '/s')
report('fields: forms of 1 MiB read, ordinary', plain.rate, '/s')
report('fields: forms of 1 MiB read, fields of one letter', hostile.rate, '/s')
report('fields: event loop late, idle', delays(idle), 'p50 / p99 / max ms')
report('fields: event loop late, small values all the time', delays(small), 'p50 / p99 / max ms')
report('fields: event loop late, large values all the time', delays(large), 'p50 / p99 / max ms')
report('fields: event loop late, ordinary forms all the time', delays(plain), 'p50 / p99 / max ms')
report('fields: event loop late, forms of fields of one letter', delays(hostile), 'p50 / p99 / max ms')
