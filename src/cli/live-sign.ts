import type { ChannelInfo } from '../client/index.ts'
import { after, messageOf, SluiceError } from '../core/index.ts'
import { signPublish, type SignedPublish } from '../signing/index.ts'
import { SERVER_OPTIONS, type CommandSpec, type Context } from './command.ts'
import { encoderAddress, type EncoderAddress } from './encoder-address.ts'
import { channelPath } from './live-path.ts'
import { connect, type Server } from './server.ts'
import { isoTime, ttlOf } from './sign.ts'
import { chooseTrustedSigner } from './signing-key.ts'

/** A day of work with a reserve; a broadcast that runs when it ends goes on. */
const TTL = '12h'

export const liveSignCommand: CommandSpec = {
  words: 'live sign',
  takes: '<path>',
  summary: 'print what to paste into OBS or ffmpeg to publish to a channel',
  options: [
    {
      flags: '--ttl <duration>',
      description: `how long an encoder may connect with it, such as 90m (${TTL})`,
    },
    {
      flags: '--host <host>',
      description: 'the host that encoders connect to; it is signed for that host only',
    },
    { flags: '--key <id>', description: 'sign with this key' },
    { flags: '--key-file <file>', description: 'the private key, PEM' },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [given = '']) => {
    const path = channelPath(given)
    const expires = after(context.terminal.now(), ttlOf(context, TTL))
    const server = serverIfAny(context)
    const address = encoderAddress(context, server)
    const trusted = server && (await trustedKeys(context, server, path))
    const signer = await chooseTrustedSigner(context, {
      path,
      group: trusted?.group ?? 'default',
      ids: () => Promise.resolve(trusted?.ids),
    })
    if (trusted && !trusted.ids.includes(signer.keyId)) {
      context.output.warn(
        `the key ${signer.keyId} is not in the key group "${trusted.group}" of ${path}, so encoders will be refused with it.`,
      )
    }
    if (address.origin === 'guessed') {
      context.output.warn('where encoders connect to is not known here: name the host with --host.')
    }
    const bound = address.bound === undefined ? {} : { host: address.bound }
    tell(context, signPublish(signer, address.authority, path, { expires, ...bound }), { path, address })
  },
}

function tell(
  { output }: Context,
  signed: SignedPublish,
  { path, address }: { path: string; address: EncoderAddress },
): void {
  const { server, streamKey, url, expires } = signed
  const secure =
    address.secure === undefined
      ? []
      : [`  Server      rtmps://${address.secure}${appOf(path)}   (encrypted, with the same Stream Key)`]
  output.say(`good for ${path} until ${isoTime(expires)}; whoever has it can publish there`)
  const lines = [
    'OBS: Settings → Stream, Service "Custom…"',
    `  Server      ${server}`,
    ...secure,
    `  Stream Key  ${streamKey}`,
    'ffmpeg:',
    `  ffmpeg -re -i FILM.mp4 -c copy -f flv '${url}'`,
  ]
  output.result({ server, streamKey, url, expires: isoTime(expires) }, lines.join('\n'))
}

function appOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** A key in a file signs without any server. */
function serverIfAny(context: Context): Server | undefined {
  try {
    return connect(context)
  } catch (error) {
    if (error instanceof SluiceError && (error.code === 'no-server' || error.code === 'no-token'))
      return undefined
    throw error
  }
}

/** The keys that may sign for a channel; undefined, with a warning, when control does not answer. */
async function trustedKeys(
  context: Context,
  server: Server,
  path: string,
): Promise<{ group: string; ids: string[] } | undefined> {
  try {
    const { keyGroup } = await channelAt(server, path)
    const groups = await server.client.keyGroups()
    const ids = groups.filter(group => group.name === keyGroup).flatMap(group => group.keys)
    return { group: keyGroup, ids }
  } catch (error) {
    if (!(error instanceof SluiceError) || error.kind !== 'unavailable') throw error
    context.output.warn(`whether the channel ${path} exists is not known: ${messageOf(error)}`)
    return undefined
  }
}

async function channelAt(server: Server, path: string): Promise<ChannelInfo> {
  try {
    return await server.client.channel(path)
  } catch (error) {
    if (!(error instanceof SluiceError) || error.kind !== 'not-found') throw error
    throw new SluiceError(
      'no-channel',
      `There is no channel ${path}: make it with "sluice live create ${path}".`,
      { side: 'operator', kind: 'not-found' },
    )
  }
}
