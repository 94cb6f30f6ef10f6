import { text, type Context } from './command.ts'
import type { Server } from './server.ts'
import { usage } from './usage.ts'

/** Where encoders connect to. */
export interface EncoderAddress {
  /** `host:port` of RTMP. */
  authority: string
  /** `host:port` of RTMPS; undefined when it is not known here. */
  secure: string | undefined
  /** The host that the grant is bound to; undefined binds it to none. */
  bound: string | undefined
  /** `guessed`: nothing here says where Sluice takes RTMP. */
  origin: 'told' | 'guessed'
}

const RTMP_PORT = '1935'
/** Names of this machine that players and encoders may not resolve (SEAMS 37), and addresses that nobody connects to. */
const LOCAL = /^(?:localhost|.+\.localhost|0\.0\.0\.0|\[::\])$/

/** The client file's, else the host of control with RTMP's own port; `--host` takes the place of the host. */
export function encoderAddress(context: Context, server: Server | undefined): EncoderAddress {
  const given = givenHost(context)
  const url = new URL(server?.rtmp ?? `rtmp://${server ? new URL(server.url).hostname : '127.0.0.1'}`)
  const secure = server?.rtmps === undefined ? undefined : new URL(server.rtmps)
  const host = given?.host ?? (LOCAL.test(url.hostname) ? '127.0.0.1' : url.hostname)
  return {
    authority: `${host}:${given?.port ?? (url.port || RTMP_PORT)}`,
    secure: secure && `${host}:${secure.port || '443'}`,
    bound: given?.host,
    origin: server === undefined && given === undefined ? 'guessed' : 'told',
  }
}

function givenHost(context: Context): { host: string; port: string | undefined } | undefined {
  const given = text(context.options, 'host')
  if (given === undefined) return undefined
  const [, host, port] = /^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/.exec(given) ?? []
  if (host !== undefined) return { host: host.toLowerCase(), port }
  throw usage(
    'bad-host',
    `--host ${given} is no host: write it as media.example.com, 192.0.2.7 or [2001:db8::7], with :PORT when it is not ${RTMP_PORT}.`,
  )
}
