import { renderYaml } from '../app/index.ts'
import type { DistributionInfo, PolicyInfo } from '../client/index.ts'
import type { DistributionId } from '../core/index.ts'
import type { DistributionInput } from '../distribution/index.ts'
import { SERVER_OPTIONS, type CommandSpec } from './command.ts'
import { connect, type Server } from './server.ts'

/** What definitions name by id and people by name. */
export interface Named {
  keyGroups: readonly { id: string; name: string }[]
  issuers: readonly { id: string; name: string }[]
  originAccess: readonly { id: string; name: string }[]
  policies: readonly Pick<PolicyInfo, 'id' | 'name' | 'says'>[]
}

export const exportCommand: CommandSpec = {
  words: 'distribution export',
  takes: '[id]',
  summary: 'print a distribution as a file that create takes, or all of them as they stand in sluice.yaml',
  options: SERVER_OPTIONS,
  run: async (context, [id]) => {
    const server = connect(context)
    const named = await namesOf(server)
    const found =
      id === undefined
        ? await server.client.distributions()
        : [await server.client.distribution(id as DistributionId)] // control checks it
    const hidden = found.filter(hasSecrets)
    if (hidden.length > 0)
      context.output.warn(
        `The values of secret headers are not told: fill them in for ${hidden.map(each => each.id).join(', ')}.`,
      )
    const [only] = found
    const value = id !== undefined && only !== undefined ? exported(only, named) : fileOf(found, named)
    context.output.result(value, renderYaml(value).trimEnd())
  },
}

async function namesOf({ client }: Server): Promise<Named> {
  const [keyGroups, issuers, originAccess, policies] = await Promise.all([
    client.keyGroups(),
    client.issuers(),
    client.originAccess(),
    client.policies(),
  ])
  return { keyGroups, issuers, originAccess, policies }
}

function hasSecrets({ origins }: DistributionInfo): boolean {
  return origins.some(origin => origin.kind === 'http' && origin.headers.length > 0)
}

/** All as a configuration file has them, each with its id, so that it stays itself there. */
export function fileOf(
  all: readonly DistributionInfo[],
  named: Named,
): { distributions: Record<string, DistributionInput> } {
  const entries = all.map((each): [string, DistributionInput] => [
    each.file ?? each.id,
    { id: each.id, ...exported(each, named) },
  ])
  return { distributions: Object.fromEntries(entries) }
}

/** A definition that makes the same again, here or elsewhere: names in place of ids, and nothing that policies say. */
export function exported(info: DistributionInfo, named: Named): DistributionInput {
  const definition: DistributionInput = { ...info }
  for (const own of ['id', 'domain', 'fallback', 'file'] as const) delete definition[own]
  return {
    ...definition,
    origins: info.origins.map(origin =>
      origin.kind === 's3' && origin.access !== null
        ? { ...origin, access: nameIn(named.originAccess, origin.access) }
        : origin,
    ),
    behaviours: info.behaviours.map(behaviour => exportedBehaviour(behaviour, named)),
  }
}

type BehaviourInput = NonNullable<DistributionInput['behaviours']>[number]

/** What each policy says in the place of a behaviour's own words. */
const SAID = {
  cache: ['ttl', 'query', 'headers', 'keyedCookies', 'acceptEncoding', 'host'],
  originRequest: ['forward', 'cookies', 'forwardQuery', 'told', 'host'],
  responseHeaders: ['responseHeaders'],
} as const

function exportedBehaviour(
  behaviour: DistributionInfo['behaviours'][number],
  { keyGroups, issuers, policies }: Named,
): BehaviourInput {
  const { gate, policies: ids, ...rest } = behaviour
  const words: BehaviourInput = rest
  const names: NonNullable<BehaviourInput['policies']> = {}
  for (const place of ['cache', 'originRequest', 'responseHeaders'] as const) {
    const id = ids?.[place]
    if (id === undefined) continue
    const kind = policies.find(each => each.id === id)?.says.kind
    names[place] = nameIn(
      policies.filter(({ says }) => says.kind === kind),
      id,
    )
    for (const word of SAID[place]) delete words[word]
  }
  return {
    ...words,
    gate: gate && {
      keyGroups: gate.keyGroups.map(id => nameIn(keyGroups, id)),
      issuers: gate.issuers.map(id => nameIn(issuers, id)),
    },
    ...(ids && { policies: names }),
  }
}

/** The id itself where the name means another. */
function nameIn(known: readonly { id: string; name: string }[], id: string): string {
  const name = known.find(each => each.id === id)?.name
  const meant = known.find(each => each.id === name) ?? known.find(each => each.name === name)
  return name !== undefined && meant?.id === id ? name : id
}
