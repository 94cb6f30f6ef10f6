import type { ChannelInfo } from '../client/index.ts'
import { parseDuration, SluiceError } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Options, type OptionSpec } from './command.ts'
import { channelPath } from './live-path.ts'
import { channelFacts } from './live-facts.ts'
import { liveSignCommand } from './live-sign.ts'
import { notInThisVersion } from './not-yet.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
import { usage } from './usage.ts'
import { viewersUrl } from './viewers.ts'

/** Of features that have not landed: absent from the help, refused with a sentence (INTERFACE.md, "Command line"). */
const LATER: OptionSpec[] = [
  { flags: '--dvr <duration>', description: 'how far back viewers can go', shown: 'never' },
  { flags: '--record', description: 'keep broadcasts', shown: 'never' },
  { flags: '--ladder <ladder>', description: 'which renditions to make', shown: 'never' },
]

const liveCreateCommand: CommandSpec = {
  words: 'live create',
  takes: '<path>',
  summary: 'make a channel, a path that can be published to live',
  options: [
    { flags: '--reconnect <duration>', description: 'how long a lost encoder is waited for (30s)' },
    { flags: '--group <name>', description: 'the key group whose keys sign for publishing (default)' },
    ...LATER,
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [given = '']) => {
    refuseLater(context.options)
    const path = channelPath(given)
    const reconnectSeconds = reconnectOf(context.options)
    const keyGroup = text(context.options, 'group')
    const server = connect(context)
    const { channel, snapshotVersion, warnings } = await server.client.createChannel({
      path,
      ...(reconnectSeconds === undefined ? {} : { reconnectSeconds }),
      ...(keyGroup === undefined ? {} : { keyGroup }),
    })
    for (const warning of warnings) context.output.warn(`${warning}.`)
    await awaitNodes(context, server, snapshotVersion)
    const playlist = `${await viewersUrl(server)}${path}/index.m3u8`
    context.output.say(`created ${path}; it plays at the URL below while somebody publishes to it`)
    context.output.say(`  next: sluice live sign ${path}   prints what to paste into OBS`)
    context.output.result({ path, state: channel.state, playlist }, playlist)
  },
}

const liveListCommand: CommandSpec = {
  words: 'live list',
  takes: '[path]',
  summary: 'list the channels, all or below a path',
  options: SERVER_OPTIONS,
  run: async (context, [given]) => {
    const prefix = given === undefined ? undefined : given.startsWith('/') ? given : `/${given}`
    const found = await connect(context).client.channels(prefix)
    if (prefix !== undefined && found.length === 0) {
      throw new SluiceError('no-channel', `There is no channel at or below ${prefix}.`, { kind: 'not-found' })
    }
    const rows = found.map(row)
    context.output.result(found, found.length === 0 ? '' : table(['PATH', 'STATE', 'SINCE', 'VIEWERS'], rows))
    if (found.length === 0) context.output.say('there is no channel yet; "sluice live create PATH" makes one')
  },
}

const liveShowCommand: CommandSpec = {
  words: 'live show',
  takes: '<path>',
  summary: 'show how a channel is: encoder, picture, sound, viewers, and advice',
  options: SERVER_OPTIONS,
  run: async (context, [given = '']) => {
    const path = channelPath(given)
    const server = connect(context)
    const channel = await server.client.channel(path)
    const text = context.output.json
      ? ''
      : channelFacts(channel, `${await viewersUrl(server)}${path}/index.m3u8`)
    context.output.result(channel, text)
  },
}

const liveStopCommand: CommandSpec = {
  words: 'live stop',
  takes: '<path>',
  summary: 'cut the encoder of a channel and end its broadcast; the channel stays',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [given = '']) => {
    const path = channelPath(given)
    const server = connect(context)
    const { snapshotVersion } = await server.client.stopChannel(path)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ path }, `stopped ${path}; an encoder that connects again begins a new broadcast`)
  },
}

const liveDeleteCommand: CommandSpec = {
  words: 'live delete',
  takes: '<path>',
  summary: 'delete a channel; its encoder is cut',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [given = '']) => {
    const path = channelPath(given)
    const server = connect(context)
    const { snapshotVersion } = await server.client.deleteChannel(path)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ path }, `deleted ${path}`)
  },
}

export const liveCommands: CommandSpec[] = [
  liveCreateCommand,
  liveListCommand,
  liveShowCommand,
  liveSignCommand,
  liveStopCommand,
  liveDeleteCommand,
]

function row({ path, state, broadcast, viewers }: ChannelInfo): string[] {
  return [path, state, broadcast?.startedAt.replace(/\.\d+Z$/, 'Z') ?? '', String(viewers)]
}

function refuseLater(options: Options): void {
  const asked = LATER.map(each => each.flags.split(' ')[0] ?? '').find(
    flag => options[flag.slice(2)] !== undefined,
  )
  if (asked !== undefined) throw usage('not-in-this-version', notInThisVersion(asked))
}

function reconnectOf(options: Options): number | undefined {
  const given = text(options, 'reconnect')
  if (given === undefined) return undefined
  const span = parseDuration(given)
  if (span !== undefined && span <= 3_600_000) return span / 1000
  throw usage(
    'bad-reconnect',
    `--reconnect ${given} is no duration of an hour at most: write it as 30s or 2m.`,
  )
}
