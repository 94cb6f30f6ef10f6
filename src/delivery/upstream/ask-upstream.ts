import type { Question, UpstreamAnswer } from '../../cache/index.ts'
import { fields, type FlatHeaders, type Validators } from '../../http/index.ts'
import { interimTo } from '../answer/interim.ts'
import { known, type Exchange } from '../exchange.ts'
import { askInTurn } from './failover.ts'
import { secretsOf } from './forwarding.ts'
import { leadsToOtherScheme } from './scheme-redirect.ts'
import type { Member } from './source.ts'

/** Asks the next tier for what a request wants; `selected` are the viewer's fields that are not keyed. */
export function askUpstream(
  x: Exchange,
  query: string,
  question: Question,
  selected: FlatHeaders | undefined,
): Promise<UpstreamAnswer> {
  const { regionals } = x.node
  const direct = (asked: Question): Promise<UpstreamAnswer> => askOrigins(x, query, asked, selected)
  if (regionals?.serve(x) !== true) return direct(question)
  return regionals.ask(x, { query, question, selected: selected ?? [] }, direct)
}

/** The origin, or those of a group. */
function askOrigins(
  x: Exchange,
  query: string,
  question: Question,
  selected: FlatHeaders | undefined,
): Promise<UpstreamAnswer> {
  const {
    members: [first, second],
    failover,
  } = known(x.source, 'the source')
  const { id: distribution } = known(x.served, 'the distribution').distribution
  const { health, clock } = x.node
  const headers = selected === undefined ? x.forwarded : [...x.forwarded, ...selected]
  // A channel's playlists are told apart by who produces them; no other server can go on with one.
  if (second === undefined || channelAt(x, first) !== undefined)
    return askMember(x, { ...question, query, headers }, first)
  const asked = { ...question, validators: ofEither(question.validators), query, headers }
  return askInTurn({
    ...{ first, second, failover, distribution, health, clock },
    ask: (member, patience) => {
      const own = { ...asked, query: queryFor(x, member, query), headers: fieldsFor(member, headers) }
      return askMember(x, patience === 'brief' ? { ...own, patience } : own, member)
    },
  })
}

/** A question as one origin is asked it. */
interface Asked extends Question {
  query: string
  headers: FlatHeaders
}

async function askMember(x: Exchange, asked: Asked, member: Member): Promise<UpstreamAnswer> {
  const { node, directives } = x
  const { distribution } = known(x.served, 'the distribution')
  const { origin, access, forwarding } = member
  const channel = channelAt(x, member)
  const answer = await node.upstream.ask({
    ...asked,
    distributionId: distribution.id,
    ...{ origin, access, path: known(x.target, 'the target').path },
    cookies: forwarding?.cookies ?? 'none',
    ...(x.viewer && { scheme: x.viewer.scheme }),
    interim: interimTo(x, secretsOf(origin)),
    // A part that was hinted at is held like a playlist, and nothing in its name says so.
    lane: channel === undefined && directives === '' ? 'prompt' : 'held',
    channel,
    snapshotVersion: node.snapshot?.version ?? 0,
    sequence: node.snapshot?.sequence ?? 0,
  })
  return leadsToOtherScheme(x, origin, answer) ? { ...answer, unshared: 'scheme' } : answer
}

/** Only ours has channels. */
function channelAt(x: Exchange, { origin }: Member): string | undefined {
  return origin.kind === 'built-in' ? x.node.channelOf(known(x.target, 'the target').path) : undefined
}

/**
 * What is stored may be of either origin, and a date of one says nothing of what the other has: it may be older and
 * another. A tag is answered 304 by who has the very same.
 */
function ofEither(validators: Validators | undefined): Validators | undefined {
  return validators?.etag === undefined ? undefined : { etag: validators.etag, lastModified: undefined }
}

function queryFor(x: Exchange, member: Member, query: string): string {
  return member.query === 'none' && x.source?.query !== 'none' ? '' : query
}

function fieldsFor({ headers, forwarding }: Member, all: FlatHeaders): FlatHeaders {
  const taken = [...fields(all)].filter(
    ([name]) => headers.includes(name) || forwarding?.selects(name) === true,
  )
  return taken.flat()
}
