// Writes and deletes in a disk tier without end, until it is killed: node disk-writer.mjs FOLDER ROUND
import { DiskTier } from '../../dist/cache/disk/disk-tier.js'

const [folder = '', round = '0'] = process.argv.slice(2)
const told = (_fields, event) => process.stdout.write(`told: ${event}\n`)
const log = { debug() {}, info() {}, warn: told, error: told, child: () => log }
const shards = Array.from({ length: 64 }, (_, shard) => shard)
const tier = new DiskTier({ folder, maxBytes: 8 * 1024 * 1024, clock: { now: Date.now }, shards, log })
await tier.start()
process.stdout.write('ready\n')
for (let n = 0; ; n++) {
  const key = `D /object-${n % 500}`
  const seed = Number(round) * 1_000_000 + n
  // Its bytes follow from its head, so that a mixture of two can be told.
  const body = Buffer.alloc((seed * 7919) % 60_000, `${seed},`)
  const [distributionId, path, bornAt] = ['D', '/a', Date.now()]
  const stored = { key, distributionId, path, sequence: seed, status: 200, headers: ['X-Seed', `${seed}`] }
  const lifetime = { bornAt, freshUntil: bornAt + 1e9, staleOnError: false }
  tier.set({ ...stored, validators: { etag: undefined, lastModified: undefined }, body, ...lifetime })
  if (n % 7 === 0) tier.delete(`D /object-${(n * 3) % 500}`)
  if (n % 20 === 0) await new Promise(resolve => setImmediate(resolve))
  if (n % 400 === 0) await tier.settled()
}
