import type { VideoConfig } from './track-config.ts'

const H264_ACCESS_UNIT_DELIMITER = 9
const HEVC_ACCESS_UNIT_DELIMITER = 35
/** Fields of `hvcC` in front of the number of its arrays (ISO/IEC 14496-15, 8.3.3.1). */
const HEVC_FIXED_FIELDS = 22

/**
 * The parameter sets of a configuration as they stand in access units, each behind its length. Empty for AV1, whose
 * keyframes bring their own, and for a configuration that contradicts itself.
 */
export function parameterSetsOf({ coding, description, lengthSize }: VideoConfig): Uint8Array {
  const { config } = description
  const units = coding === 'avc1' ? h264Sets(config) : coding === 'hvc1' ? hevcSets(config) : []
  const most = 256 ** lengthSize
  if (units.some(({ length }) => length === 0 || length >= most)) return new Uint8Array()
  return Buffer.concat(units.flatMap(unit => [lengthOf(unit, lengthSize), unit]))
}

/** An access unit with parameter sets where they belong: first of all, but behind its delimiter. */
export function withParameterSets(
  data: Uint8Array,
  sets: Uint8Array,
  { coding, lengthSize }: Pick<VideoConfig, 'coding' | 'lengthSize'>,
): Uint8Array {
  const header = data[lengthSize] ?? 0
  const type = coding === 'avc1' ? header & 31 : (header >> 1) & 63
  const delimiter = coding === 'avc1' ? H264_ACCESS_UNIT_DELIMITER : HEVC_ACCESS_UNIT_DELIMITER
  const at = type === delimiter ? lengthSize + bigEndian(data, 0, lengthSize) : 0
  return Buffer.concat([data.subarray(0, at), sets, data.subarray(at)])
}

/** Of the body of `avcC` (ISO/IEC 14496-15, 5.3.3.1); the extensions behind them concern no picture that is played. */
function h264Sets(config: Uint8Array): Uint8Array[] {
  const sequence = unitsAt(config, 6, (config[5] ?? 0) & 31)
  const picture = unitsAt(config, sequence.end + 1, config[sequence.end] ?? 0)
  return [...sequence.units, ...picture.units]
}

function hevcSets(config: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = []
  let at = HEVC_FIXED_FIELDS + 1
  for (let arrays = config[HEVC_FIXED_FIELDS] ?? 0; arrays > 0; arrays--) {
    const array = unitsAt(config, at + 3, bigEndian(config, at + 1, 2))
    units.push(...array.units)
    at = array.end
  }
  return units
}

/** NAL units that each stand behind a length of two bytes. */
function unitsAt(config: Uint8Array, from: number, count: number): { units: Uint8Array[]; end: number } {
  const units: Uint8Array[] = []
  let at = from
  for (let left = count; left > 0 && at < config.length; left--) {
    const end = at + 2 + bigEndian(config, at, 2)
    units.push(config.subarray(at + 2, end))
    at = end
  }
  return { units, end: at }
}

function bigEndian(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let byte = 0; byte < size; byte++) value = value * 256 + (bytes[at + byte] ?? 0)
  return value
}

function lengthOf({ length }: Uint8Array, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, byte) => (length / 256 ** (size - 1 - byte)) & 255)
}
