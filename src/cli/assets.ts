import type { Asset } from '../client/index.ts'
import { SluiceError } from '../core/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, type CommandSpec, type Context } from './command.ts'
import { table } from './output.ts'
import { connect, type Server } from './server.ts'
import { isoTime } from './sign.ts'
import { playable } from './viewers.ts'

const unpublishCommand: CommandSpec = {
  words: 'unpublish',
  takes: '<path>',
  summary: 'take a film out of service and delete it',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [given = '']) => {
    const path = rooted(given)
    const server = connect(context)
    const { snapshotVersion } = await server.client.unpublish(path)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ path }, `unpublished ${path}`)
  },
}

const assetsCommand: CommandSpec = {
  words: 'assets',
  takes: '[path]',
  summary: 'list what is published, all or below a path',
  options: SERVER_OPTIONS,
  run: async (context, [given]) => {
    const prefix = given === undefined ? undefined : rooted(given)
    const found = await connect(context).client.assets(prefix)
    if (prefix !== undefined && found.length === 0) {
      throw new SluiceError('no-asset', `Nothing is published at or below ${prefix}.`, {
        kind: 'not-found',
      })
    }
    for (const asset of found) if (asset.error) context.output.say(`${asset.path}: ${asset.error.message}`)
    context.output.result(
      found,
      found.length === 0 ? '' : table(['PATH', 'STATE', 'LENGTH', 'RENDITIONS'], found.map(row)),
    )
    if (found.length === 0) context.output.say('nothing is published yet; "sluice publish FILE PATH" does it')
  },
}

const openCommand: CommandSpec = {
  words: 'open',
  takes: '<path>',
  summary: 'print a URL that plays, with a path token where the path is gated',
  options: [
    { flags: '--key <id>', description: 'sign with this key' },
    { flags: '--key-file <file>', description: 'the private key, PEM' },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [given = '']) => {
    const path = rooted(given).replace(/\/(?:index\.m3u8)?$/, '')
    const server = connect(context)
    await checkPlayable(context, server, path)
    const { url, player, expires } = await playable(context, server, path)
    const until = expires === null ? null : isoTime(expires)
    context.output.say(`in a browser: ${player}`)
    context.output.say(`in a player${until === null ? '' : ` (until ${until})`}:`)
    context.output.result({ path, url, player, expires: until }, url)
  },
}

/** An asset that is ready, or a channel; of one that nobody publishes to, people are told. */
async function checkPlayable(context: Context, server: Server, path: string): Promise<void> {
  const asset = await server.client.asset(path).catch((error: unknown) => {
    if (error instanceof SluiceError && error.kind === 'not-found') return error
    throw error
  })
  if (asset instanceof SluiceError) {
    const channel = await server.client.channel(path).catch((error: unknown) => {
      // A path of one segment can be no channel.
      const none = error instanceof SluiceError && (error.kind === 'not-found' || error.kind === 'usage')
      throw none ? asset : error
    })
    if (channel.broadcast === null)
      context.output.say(`nobody publishes to the channel ${path} just now; it plays once somebody does`)
  } else if (asset.state !== 'ready') {
    throw new SluiceError(
      'not-ready',
      `${path} is ${asset.state}${asset.error ? `: ${asset.error.message}` : ''}.`,
    )
  }
}

export const assetCommands: CommandSpec[] = [unpublishCommand, assetsCommand, openCommand]

function row(asset: Asset): string[] {
  const renditions = asset.renditions.map(({ kind, codec, height }) =>
    height === undefined ? `${kind} ${codec}` : `${height}p ${codec}`,
  )
  return [asset.path, asset.state, clock(asset.durationSeconds), renditions.join(', ')]
}

function clock(seconds: number | null): string {
  if (seconds === null) return ''
  const whole = Math.round(seconds)
  const two = (count: number): string => String(count).padStart(2, '0')
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}

/** People leave the leading slash out. */
function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}
