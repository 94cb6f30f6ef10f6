import {
  JWT_ALGORITHMS,
  type IssuerInput,
  type JwtAlgorithm,
  type TrustedIssuer,
} from '../distribution/index.ts'
import { awaitNodes } from './acknowledge.ts'
import { NO_WAIT, SERVER_OPTIONS, text, type CommandSpec, type Context } from './command.ts'
import { readInputFile } from './input-file.ts'
import { table } from './output.ts'
import { connect } from './server.ts'
import { usage } from './usage.ts'

const createCommand: CommandSpec = {
  words: 'issuers create',
  takes: '<name>',
  summary: 'make known who issues JSON Web Tokens, so that behaviours may trust them',
  options: [
    { flags: '--issuer <iss>', description: 'what its tokens say as iss, exactly' },
    { flags: '--audience <aud>', description: 'what its tokens say as aud for this CDN, exactly' },
    { flags: '--jwks <url>', description: 'where its key set is' },
    { flags: '--jwks-file <file>', description: 'its key set as a file: {"keys": […]}, public keys only' },
    {
      flags: '--algorithm <name>',
      description: `what it signs with: ${JWT_ALGORITHMS.join(', ')} (all); may be repeated`,
      repeat: 'many',
    },
    { flags: '--claim <name>', description: 'the claim that lists path globs (paths)' },
    { flags: '--cookie <name>', description: 'the cookie that may carry a token (sluice-token)' },
    NO_WAIT,
    ...SERVER_OPTIONS,
  ],
  run: async (context, [name = '']) => {
    const wanted = inputOf(context, name)
    const server = connect(context)
    const { issuer, snapshotVersion, warnings } = await server.client.createIssuer(wanted)
    for (const warning of warnings) context.output.warn(`${warning}.`)
    await awaitNodes(context, server, snapshotVersion)
    context.output.say(`behaviours trust it that name it: "gate": {"issuers": ["${issuer.name}"]}`)
    context.output.result(issuer, issuer.id)
  },
}

const listCommand: CommandSpec = {
  words: 'issuers list',
  summary: 'list the issuers of tokens',
  options: SERVER_OPTIONS,
  run: async context => {
    const issuers = await connect(context).client.issuers()
    const rows = issuers.map(each => [each.id, each.name, each.issuer, each.audience, keysOf(each)])
    context.output.result(issuers, table(['ID', 'NAME', 'ISSUER', 'AUDIENCE', 'KEYS'], rows))
  },
}

const deleteCommand: CommandSpec = {
  words: 'issuers delete',
  takes: '<name>',
  summary: 'forget an issuer that no behaviour trusts any more',
  options: [NO_WAIT, ...SERVER_OPTIONS],
  run: async (context, [name = '']) => {
    const server = connect(context)
    const { snapshotVersion } = await server.client.deleteIssuer(name)
    await awaitNodes(context, server, snapshotVersion)
    context.output.result({ id: name }, `deleted ${name}`)
  },
}

export const issuerCommands: CommandSpec[] = [createCommand, listCommand, deleteCommand]

function inputOf(context: Context, name: string): IssuerInput {
  const { options } = context
  const issuer = text(options, 'issuer')
  const audience = text(options, 'audience')
  if (issuer === undefined || audience === undefined)
    throw usage('no-issuer', 'Say whose tokens and for whom: --issuer ISS --audience AUD.')
  const claim = text(options, 'claim')
  const cookie = text(options, 'cookie')
  const algorithms = options['algorithm']
  return {
    ...{ name, issuer, audience, keys: keySet(context) },
    ...(Array.isArray(algorithms) ? { algorithms: algorithmsOf(algorithms) } : {}),
    ...(claim === undefined ? {} : { claim }),
    ...(cookie === undefined ? {} : { cookie }),
  }
}

function algorithmsOf(given: readonly string[]): JwtAlgorithm[] {
  return given
    .flatMap(each => each.split(','))
    .map(word => {
      const known = JWT_ALGORITHMS.find(each => each === word)
      if (known !== undefined) return known
      throw usage('bad-algorithm', `--algorithm ${word} is unknown: use ${JWT_ALGORITHMS.join(', ')}.`)
    })
}

function keySet(context: Context): IssuerInput['keys'] {
  const url = text(context.options, 'jwks')
  const file = text(context.options, 'jwksFile')
  if ((url === undefined) === (file === undefined))
    throw usage('no-keys', 'Say where its keys are: either --jwks URL or --jwks-file FILE.')
  if (file === undefined) return { kind: 'url', url: url ?? '' }
  const { keys } = readInputFile(context, file)
  if (!Array.isArray(keys) || keys.length === 0)
    throw usage('no-keys', `${file} holds no key set, which is {"keys": […]}.`)
  if (keys.some(hasPrivateMember)) {
    throw usage(
      'private-key',
      `${file} holds a private key, which stays with the issuer: give its public key set.`,
    )
  }
  return { kind: 'inline', keys: keys as { kty: string }[] } // control checks each
}

/** It must not leave this machine. */
function hasPrivateMember(key: unknown): boolean {
  return typeof key === 'object' && key !== null && ['d', 'k'].some(name => Object.hasOwn(key, name))
}

function keysOf({ keys }: TrustedIssuer): string {
  return keys.kind === 'url' ? keys.url : `${keys.keys.length} here`
}
