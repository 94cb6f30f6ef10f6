import { createHash } from 'node:crypto'
import { SluiceError } from '../core/index.ts'
import { ascii, concat, u32 } from './boxes.ts'
import { readSampleTable, writeSampleTable } from './index-tables.ts'
import type { AudioTrack, Movie, OtherTrack, VideoTrack } from './movie.ts'
import { VarintReader, VarintWriter, damaged } from './varint.ts'

/**
 * What is stored beside a movie so that its header need not be read again. Layout: magic, version, SHA-256 of the rest;
 * then the length of a JSON header, the header with everything but the sample tables, the tables of each track.
 */
const MAGIC = 'SlIx'
const VERSION = 1
const CHECKSUM_AT = 8
const HEADER_AT = 40

type Described = Omit<VideoTrack, 'samples'> | Omit<AudioTrack, 'samples'>

interface Header {
  durationSeconds: number
  tracks: (Described | OtherTrack)[]
}

/** The same movie always gives the same bytes. */
export function encodeIndex(movie: Movie): Uint8Array {
  const tables = new VarintWriter()
  const tracks = movie.tracks.map(track => {
    if (track.kind === 'other') return track
    const { samples, ...described } = track
    writeSampleTable(samples, tables)
    return described
  })
  const header = Buffer.from(JSON.stringify({ durationSeconds: movie.durationSeconds, tracks }, packBytes))
  const content = concat([u32(header.length), header, tables.written()])
  return concat([ascii(MAGIC), u32(VERSION), checksum(content), content])
}

/** Throws SluiceError `index-damaged`, or `index-version` for one that another version of the program wrote. */
export function decodeIndex(bytes: Uint8Array): Movie {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.length < HEADER_AT + 4 || file.toString('latin1', 0, 4) !== MAGIC) damaged()
  const version = file.readUInt32BE(4)
  if (version !== VERSION) {
    throw new SluiceError(
      'index-version',
      `A stored index has version ${version}; this program reads ${VERSION}. Publish the movie again.`,
    )
  }
  const content = file.subarray(HEADER_AT)
  if (!file.subarray(CHECKSUM_AT, HEADER_AT).equals(checksum(content))) damaged()
  const headerEnd = 4 + content.readUInt32BE(0)
  const header = JSON.parse(content.toString('utf8', 4, headerEnd), unpackBytes) as Header // the checksum proves that encodeIndex wrote it
  const tables = new VarintReader(content.subarray(headerEnd))
  const tracks = header.tracks.map(track =>
    track.kind === 'other' ? track : { ...track, samples: readSampleTable(tables) },
  )
  return { durationSeconds: header.durationSeconds, tracks }
}

function checksum(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

function packBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value
}

function unpackBytes(_key: string, value: unknown): unknown {
  const isPacked =
    typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string'
  return isPacked ? new Uint8Array(Buffer.from(String(value.base64), 'base64')) : value
}
