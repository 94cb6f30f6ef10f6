import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, SluiceError } from '../core/index.ts'
import { blobsOf, NO_MATERIALS, type Blob, type Materials, type Snapshot } from '../distribution/index.ts'
import { writeWhole } from './write-whole.ts'

type Naming = Pick<Snapshot, 'functions' | 'stores'>

/** Where a node keeps the blob of a digest. */
export function blobFile(stateDir: string, sha256: string): string {
  return join(blobsIn(stateDir), sha256)
}

function blobsIn(stateDir: string): string {
  return join(stateDir, 'blobs')
}

/**
 * What a snapshot names, from a node's disk: it lies there before that snapshot is applied. Every process of the node may
 * ask. Throws `blob-missing`, of a file that is not what its name says too.
 */
export async function storedMaterials(stateDir: string, snapshot: Naming): Promise<Materials> {
  return materialsFor(stateDir, snapshot, ({ sha256 }, why) => Promise.reject(missing(sha256, why)))
}

/**
 * The same, and what is not on the disk is asked for, held against its digest and kept. Whoever applies the snapshot needs
 * all of it, so one that cannot be had keeps the snapshot from being applied.
 */
export async function materialsFor(
  stateDir: string,
  snapshot: Naming,
  ask: (blob: Blob, why: string | undefined) => Promise<Uint8Array>,
): Promise<Materials> {
  const blobs = blobsOf(snapshot)
  if (blobs.length === 0) return NO_MATERIALS
  const materials = new Map<string, Uint8Array>()
  // One after the other: each may have megabytes.
  for (const blob of blobs) {
    const { sha256 } = blob
    const stored = await fromDisk(stateDir, sha256)
    if (stored.kind === 'there') {
      materials.set(sha256, stored.bytes)
      continue
    }
    const bytes = await ask(blob, stored.why)
    if (digestOf(bytes) !== sha256) throw missing(sha256, 'what came in its place has another digest')
    // 0600: code and contents of stores may hold secrets.
    await writeWhole(blobFile(stateDir, sha256), bytes, 0o600)
    materials.set(sha256, bytes)
  }
  return materials
}

/** Deletes what the snapshot does not name. */
export async function sweepMaterials(stateDir: string, snapshot: Naming): Promise<void> {
  const named = new Set(blobsOf(snapshot).map(({ sha256 }) => sha256))
  const there = await readdir(blobsIn(stateDir)).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  for (const name of there)
    if (!named.has(name)) await rm(join(blobsIn(stateDir), name), { recursive: true, force: true })
}

type Stored = { kind: 'there'; bytes: Uint8Array } | { kind: 'missing'; why: string | undefined }

async function fromDisk(stateDir: string, sha256: string): Promise<Stored> {
  try {
    const bytes = await readFile(blobFile(stateDir, sha256))
    return digestOf(bytes) === sha256 ? { kind: 'there', bytes } : { kind: 'missing', why: 'another digest' }
  } catch (error) {
    return { kind: 'missing', why: codeOf(error) }
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function missing(sha256: string, why: string | undefined): SluiceError {
  return new SluiceError(
    'blob-missing',
    `the blob ${sha256} is not on this node's disk (${why ?? 'unreadable'})`,
    {
      kind: 'unavailable',
    },
  )
}
