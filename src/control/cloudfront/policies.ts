import { reader, type Instant } from '../../core/index.ts'
import { MANAGED_POLICIES, PolicyInput, settlePolicy, type Policy } from '../../distribution/index.ts'
import { deleteDocument, listDocuments, listPolicies, saveDocument, type Tx } from '../database/index.ts'
import { createPolicy, removePolicy, replacePolicy } from '../policies.ts'
import { readCachePolicy, renderCachePolicy } from './cache-policy.ts'
import { same } from './etag.ts'
import { Findings } from './findings.ts'
import { checkComment, checkName } from './names.ts'
import { CloudFrontError } from './operation.ts'
import { readOriginRequestPolicy, renderOriginRequestPolicy } from './origin-request-policy.ts'
import { inCloudFrontsWords } from './our-refusals.ts'
import { refuseFound, type Entity, type Kind } from './resource.ts'
import { readResponseHeadersPolicy, renderResponseHeadersPolicy } from './response-headers-policy.ts'
import type { CachePolicyConfig, OriginRequestPolicyConfig, ResponseHeadersPolicyConfig } from './shapes.ts'

type Says = Policy['says']

interface PolicyKind<C, S extends Says> {
  kind: 'CachePolicy' | 'OriginRequestPolicy' | 'ResponseHeadersPolicy'
  path: string
  tooMany: string
  says: S['kind']
  read(config: C, found: Findings): S
  render(policy: Policy, says: S): C
}

export const cachePolicies = policyKind<CachePolicyConfig, Extract<Says, { kind: 'cache' }>>({
  kind: 'CachePolicy',
  path: '/2020-05-31/cache-policy',
  tooMany: 'TooManyCachePolicies',
  says: 'cache',
  read: readCachePolicy,
  render: renderCachePolicy,
})

export const originRequestPolicies = policyKind<
  OriginRequestPolicyConfig,
  Extract<Says, { kind: 'origin-request' }>
>({
  kind: 'OriginRequestPolicy',
  path: '/2020-05-31/origin-request-policy',
  tooMany: 'TooManyOriginRequestPolicies',
  says: 'origin-request',
  read: readOriginRequestPolicy,
  render: renderOriginRequestPolicy,
})

export const responseHeadersPolicies = policyKind<
  ResponseHeadersPolicyConfig,
  Extract<Says, { kind: 'response-headers' }>
>({
  kind: 'ResponseHeadersPolicy',
  path: '/2020-05-31/response-headers-policy',
  tooMany: 'TooManyResponseHeadersPolicies',
  says: 'response-headers',
  read: readResponseHeadersPolicy,
  render: renderResponseHeadersPolicy,
})

/** By the schema that everybody's input is checked with, for lengths and numbers. */
const checked: (input: unknown) => PolicyInput = reader(PolicyInput, 'the policy')

/** Operators' policies and the managed ones, those of `sluice policy` among them. */
function policyKind<C extends { Name?: string | undefined; Comment?: string | undefined }, S extends Says>(
  of: PolicyKind<C, S>,
): Kind<C> {
  const { kind } = of
  const words = {
    'bad-policy': 'InvalidArgument',
    exists: `${kind}AlreadyExists`,
    'in-use': `${kind}InUse`,
    'too-many': of.tooMany,
  }
  const input = (config: C, found: Findings): PolicyInput => {
    const { Name: name = '', Comment: comment = '' } = config
    checkName(name)
    checkComment(comment)
    const says = of.read(config, found)
    refuseFound(found)
    return checked({ name, comment, says })
  }
  return {
    kind,
    configMember: `${kind}Config`,
    path: of.path,
    errors: { missing: `NoSuch${kind}`, exists: words.exists, tooMany: of.tooMany },
    most: 1_000 + MANAGED_POLICIES.length,
    listed: (entity, asked) => typeOf(entity) === ((asked as { Type?: string }).Type ?? typeOf(entity)), // of a list
    all: tx => allOf(tx, of),
    async make(tx, config, found) {
      const { policy } = await inCloudFrontsWords(words, () => createPolicy(tx, input(config, found)))
      await saveDocument(tx, { kind, id: policy.id, name: policy.name, config })
      return policy.id
    },
    async change(tx, { id, more }, config, found) {
      refuseManaged(more, 'IllegalUpdate')
      const { policy } = await inCloudFrontsWords({ ...words, 'in-use': 'InvalidArgument' }, () =>
        replacePolicy(tx, id, input(config, found)),
      )
      await saveDocument(tx, { kind, id, name: policy.name, config })
    },
    async remove(tx, { id, more }) {
      refuseManaged(more, 'IllegalDelete')
      await inCloudFrontsWords(words, () => removePolicy(tx, id))
      await deleteDocument(tx, kind, id)
    },
  }
}

function refuseManaged(more: object | undefined, code: string): void {
  if (typeOf({ more }) === 'managed')
    throw new CloudFrontError(code, 'this policy is always there and cannot be changed: make one of your own')
}

function typeOf({ more }: { more?: object | undefined }): string | undefined {
  return (more as { Type?: string } | undefined)?.Type // given below
}

async function allOf<C extends object, S extends Says>(tx: Tx, of: PolicyKind<C, S>): Promise<Entity<C>[]> {
  const documents = await listDocuments(tx, of.kind)
  const managed = MANAGED_POLICIES.map(policy => ({ policy, type: 'managed' }))
  const own = (await listPolicies(tx)).map(policy => ({ policy, type: 'custom' }))
  return [...managed, ...own].flatMap(({ policy, type }) => {
    if (policy.says.kind !== of.says) return []
    const document = documents.get(policy.id)
    const sent = document?.config as C | null | undefined // written as one
    return [
      {
        id: policy.id,
        config: sent && saysSame(sent, policy, of) ? sent : of.render(policy, policy.says as S), // of its kind
        created: document?.createdAt ?? EPOCH,
        modified: document?.modifiedAt ?? EPOCH,
        revision: document?.revision ?? 0,
        more: { Type: type },
      },
    ]
  })
}

const EPOCH = 0 as Instant // before everything

/** Whether a document still is what the policy is: somebody may have changed it by `sluice policy`. */
function saysSame<C extends object, S extends Says>(sent: C, policy: Policy, of: PolicyKind<C, S>): boolean {
  const { Name: name = '', Comment: comment = '' } = sent as { Name?: string; Comment?: string } // every policy's
  if (name !== policy.name || comment !== policy.comment) return false
  const settled = settlePolicy({ name, comment, says: of.read(sent, new Findings()) }, policy.id, [])
  return settled.kind === 'good' && same(settled.policy.says, policy.says)
}
