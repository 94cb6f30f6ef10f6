import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { newAccessKey, type AccessKey } from '../signing/index.ts'
import { codeOf, reader, SluiceError, Type, type Static } from '../core/index.ts'

/** `client.json`: how the command line on this machine finds the server. Readable by this user alone. */
export const ClientFile = Type.Object({
  /** The control URL. */
  url: Type.String({ minLength: 1 }),
  token: Type.String({ minLength: 16 }),
  /** Signs requests to CloudFront's API, with the rights of the token. Absent from before there was that. */
  accessKeyId: Type.Optional(Type.String({ minLength: 16 })),
  secretAccessKey: Type.Optional(Type.String({ minLength: 16 })),
  /** Where viewers reach this machine; players get these. */
  http: Type.Optional(Type.String()),
  https: Type.Optional(Type.String()),
  /** Where encoders reach this machine. */
  rtmp: Type.Optional(Type.String()),
  rtmps: Type.Optional(Type.String()),
})
export type ClientFile = Static<typeof ClientFile>

/** Undefined when there is none. */
export function readClientFile(path: string): ClientFile | undefined {
  try {
    return reader(ClientFile, path)(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    if (codeOf(error) === 'EACCES') {
      throw new SluiceError(
        'client-file',
        `${path} belongs to another user: run this as the user that runs "sluice up", or set SLUICE_CONTROL and SLUICE_TOKEN.`,
        { kind: 'unauthorised', side: 'operator' },
      )
    }
    throw new SluiceError(
      'client-file',
      `${path} cannot be read: end Sluice, delete the file and start again, it is made anew.`,
      {
        side: 'operator',
        cause: error,
      },
    )
  }
}

/** Keeps the token and the access key of an earlier start, since scripts hold them; URLs may change with the ports. */
export function writeClientFile(path: string, urls: ClientUrls): KeyedClientFile {
  const before = readClientFile(path)
  const token = before?.token ?? randomBytes(32).toString('base64url')
  const { id, secret } = (before && accessKeyOf(before)) ?? newAccessKey()
  const file = { ...urls, token, accessKeyId: id, secretAccessKey: secret }
  writeFileSync(`${path}.new`, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return file
}

export type ClientUrls = Omit<ClientFile, 'token' | 'accessKeyId' | 'secretAccessKey'>

/** As this version writes it. */
export type KeyedClientFile = ClientFile & { accessKeyId: string; secretAccessKey: string }

export function accessKeyOf({ accessKeyId: id, secretAccessKey: secret }: ClientFile): AccessKey | undefined {
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** What control is given of the token: enough to recognise it, useless to others. Hex. */
export function tokenSha256(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
