import {
  findDataFolder,
  readClientFile,
  readSecret,
  resolveConfiguration,
  type ClientFile,
  type DataFolder,
} from '../app/index.ts'
import { ControlClient } from '../client/index.ts'
import { SluiceError } from '../core/index.ts'
import { text, type Context } from './command.ts'

/** The server that a command talks to. */
export interface Server {
  client: ControlClient
  url: string
  /** Where its viewers are, when this machine knows: the client file of the same server says so. */
  viewers: string | undefined
  /** Where its encoders connect to, `rtmp://host:port` and `rtmps://host:port`, as far as the client file says. */
  rtmp: string | undefined
  rtmps: string | undefined
  /** The data folder on this machine, when there is one. */
  data: DataFolder | undefined
  /** The same if it is this very server's. */
  home: DataFolder | undefined
}

/**
 * Finds the server: `--control` or SLUICE_CONTROL with SLUICE_TOKEN, or `client.json` of the data folder. The token of
 * the client file is given to the server that it belongs to and to no other.
 */
export function connect(context: Context): Server {
  const { env } = context.terminal
  const data = dataFolder(context)
  const file = data && readClientFile(data.clientFile)
  const asked = text(context.options, 'control') ?? env['SLUICE_CONTROL']
  const url = asked === undefined || asked === '' ? file?.url : checkedUrl(asked)
  if (url === undefined) {
    throw new SluiceError(
      'no-server',
      `There is no Sluice in ${dataPath(context)}: start it with "sluice up", name its folder with --data, or set SLUICE_CONTROL and SLUICE_TOKEN.`,
      { side: 'operator' },
    )
  }
  const same = file !== undefined && sameServer(file, url)
  const token = readSecret(env, 'SLUICE_TOKEN') ?? (same ? file.token : undefined)
  if (token === undefined) {
    throw new SluiceError(
      'no-token',
      `There is no token for ${url}: set SLUICE_TOKEN to one of "sluice tokens create".`,
      {
        side: 'operator',
        kind: 'unauthorised',
      },
    )
  }
  const known = same ? file : undefined
  return {
    client: new ControlClient({ url, token }),
    url,
    viewers: known?.http,
    rtmp: known?.rtmp,
    rtmps: known?.rtmps,
    data,
    home: same ? data : undefined,
  }
}

/** The data folder that is meant, if it is there. */
export function dataFolder(context: Context): DataFolder | undefined {
  return findDataFolder(dataPath(context))
}

export function dataPath(context: Context): string {
  const { env, cwd } = context.terminal
  const flag = text(context.options, 'data')
  const file = text(context.options, 'config')
  const resolved = resolveConfiguration({
    env,
    cwd,
    flags: flag === undefined ? {} : { data: flag },
    ...(file === undefined ? {} : { file }),
  })
  return resolved.configuration.data
}

function sameServer(file: ClientFile, url: string): boolean {
  return file.url === url || new URL(file.url).href === new URL(url).href
}

function checkedUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '')
  throw new SluiceError('bad-url', `"${url}" is no control URL: write it as http://127.0.0.1:9000.`, {
    side: 'operator',
    kind: 'usage',
  })
}
