import type { ChannelInfo, IngestFacts } from '../client/index.ts'

/** A channel as a small table for people: facts, then what the encoder could do better. */
export function channelFacts(channel: ChannelInfo, playlist: string): string {
  const { ingest } = channel
  const facts: [string, string][] = [
    ['state', stateOf(channel)],
    ...(ingest ? encoderFacts(ingest) : []),
    ['viewers', String(channel.viewers)],
    ['reconnect', `${channel.reconnectSeconds} s`],
    ['key group', channel.keyGroup],
    ['playlist', playlist],
  ]
  const width = Math.max(...facts.map(([name]) => name.length))
  const lines = facts.map(([name, fact]) => `  ${name.padEnd(width)}  ${printable(fact)}`)
  return [channel.path, ...lines, ...channel.advice.map(sentence => `advice: ${printable(sentence)}`)].join(
    '\n',
  )
}

function stateOf({ state, broadcast }: ChannelInfo): string {
  if (broadcast === null) return state
  return `${state}, broadcast ${broadcast.id} since ${broadcast.startedAt.replace(/\.\d+Z$/, 'Z')}`
}

function encoderFacts({ encoder, address, bitrate, video, audio, gaps }: IngestFacts): [string, string][] {
  const name = encoder === '' ? 'an encoder' : encoder
  return [
    ['encoder', `${name} at ${address}, ${rate(bitrate)}`],
    ['video', video === null ? 'none' : videoFacts(video)],
    ['audio', audio === null ? 'none' : audioFacts(audio)],
    ['gaps', String(gaps)],
  ]
}

function videoFacts(video: NonNullable<IngestFacts['video']>): string {
  const { codec, width, height, framesPerSecond, keyframeInterval, bitrate } = video
  const keyframes = keyframeInterval === null ? [] : [`a keyframe every ${tenths(keyframeInterval)} s`]
  return [
    `${codec} ${width}×${height}`,
    `${tenths(framesPerSecond)} frames/s`,
    ...keyframes,
    rate(bitrate),
  ].join(', ')
}

function audioFacts({ codec, sampleRate, channels, bitrate }: NonNullable<IngestFacts['audio']>): string {
  const shape = { 1: 'mono', 2: 'stereo' }[channels] ?? `${channels} channels`
  return `${codec} ${sampleRate} Hz ${shape}, ${rate(bitrate)}`
}

function rate(bits: number): string {
  return bits >= 1_000_000 ? `${(bits / 1_000_000).toFixed(2)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`
}

function tenths(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** An encoder names itself; a terminal must not obey it. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
