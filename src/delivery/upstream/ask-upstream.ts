import type { Question, UpstreamAnswer } from '../../cache/index.ts'
import { namesAny } from '../../distribution/index.ts'
import {
  codingsOf,
  fields,
  keyedQuery,
  varying,
  type FlatHeaders,
  type Validators,
} from '../../http/index.ts'
import { interimTo } from '../answer/interim.ts'
import { askThroughFunctions, runsAtOrigin } from '../functions/at-origin.ts'
import { playlistUse, storedPlaylist, wholeText } from '../functions/playlist-response.ts'
import { known, type Exchange } from '../exchange.ts'
import { traceOf } from '../trace.ts'
import { askInTurn } from './failover.ts'
import { judgedBy, secretsOf, together } from './forwarding.ts'
import { leadsToOtherScheme } from './scheme-redirect.ts'
import { ownFields } from './origin-request.ts'
import type { Member } from './source.ts'
import type { UpstreamQuestion } from './upstream.ts'

/** Asks the next tier for what a request wants; `selected` are the viewer's fields that are not keyed. */
export function askUpstream(
  x: Exchange,
  query: string,
  question: Question,
  selected: FlatHeaders | undefined,
): Promise<UpstreamAnswer> {
  const { regionals } = x.node
  const direct = async (asked: Question): Promise<UpstreamAnswer> =>
    judged(await askOrigins(x, query, asked, selected), selected)
  if (regionals?.serve(x) !== true) return direct(question)
  return regionals.ask(x, { query, question, selected: selected ?? [] }, direct)
}

function judged(answer: UpstreamAnswer, selected: FlatHeaders = []): UpstreamAnswer {
  const { forwarded } = answer
  return forwarded === undefined ? answer : { ...answer, forwarded: judgedBy(forwarded, selected) }
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
  const headers = selected === undefined ? x.forwarded : together(x.forwarded, selected)
  // A channel's playlists are told apart by who produces them; no other server can go on with one.
  if (second === undefined || channelAt(x, first) !== undefined)
    return askMember(x, { ...question, query, headers }, first)
  const asked = { ...question, validators: ofEither(question.validators), query, headers }
  return askInTurn({
    ...{ first, second, failover, distribution, health, clock },
    ask: (member, patience) => {
      const own = { ...asked, query: queryFor(x, member, query), headers: fieldsFor(member, headers) }
      const passesOn = (status: number): boolean => member === first && failover.has(status)
      return askMember(x, patience === 'brief' ? { ...own, patience } : own, member, passesOn)
    },
  })
}

/** A question as one origin is asked it. */
interface Asked extends Question {
  query: string
  headers: FlatHeaders
}

async function askMember(
  x: Exchange,
  asked: Asked,
  member: Member,
  passesOn: (status: number) => boolean = () => false,
): Promise<UpstreamAnswer> {
  const { node, directives, uses } = x
  const { distribution } = known(x.served, 'the distribution')
  const { origin, access, setsCookies } = member
  const channel = channelAt(x, member)
  const playlist = playlistUse(x, 'stored')
  const question: UpstreamQuestion = {
    ...(playlist === undefined ? asked : wholeText(asked)),
    distributionId: distribution.id,
    ...{ origin, access, path: known(x.target, 'the target').path },
    cookies: setsCookies ? 'all' : 'none',
    ...(x.request.method === 'OPTIONS' && { method: 'OPTIONS' as const }),
    ...(x.viewer && { scheme: x.viewer.scheme }),
    ...(x.trace && { trace: traceOf(x) }),
    interim: interimTo(x, secretsOf(origin)),
    // A part that was hinted at is held like a playlist, and nothing in its name says so.
    lane: channel === undefined && directives === '' ? 'prompt' : 'held',
    channel,
    snapshotVersion: node.snapshot?.version ?? 0,
    sequence: node.snapshot?.sequence ?? 0,
  }
  const answer = runsAtOrigin(uses)
    ? await askThroughFunctions(x, uses, question, {
        ...{ method: question.method ?? 'GET', own: ownFields(question), body: undefined, passesOn },
        ...{ partial: question.range !== undefined, cookies: question.cookies ?? 'none' },
        ask: changed => node.upstream.ask(changed),
      })
    : await node.upstream.ask(question)
  const whole = playlist === undefined ? answer : await storedPlaylist(x, playlist, answer)
  const told = offersCodings(member) ? varyingByCoding(whole) : whole
  return leadsToOtherScheme(x, origin, told) ? { ...told, unshared: 'scheme' } : told
}

function offersCodings({ forwarding }: Member): boolean {
  return forwarding !== undefined && forwarding.codings.length > 0
}

/** Where codings are offered, one that came is for who takes it, whether the origin says so or not. */
function varyingByCoding(answer: UpstreamAnswer): UpstreamAnswer {
  if (codingsOf(answer.headers).length === 0) return answer
  const vary = varying(answer.headers)
  if (vary.kind === 'anything' || vary.names.includes('accept-encoding')) return answer
  return { ...answer, headers: [...answer.headers, 'Vary', 'Accept-Encoding'] }
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

/** A bucket takes no more than what is named. */
function queryFor(x: Exchange, { sends }: Member, query: string): string {
  return sends === x.source?.sends ? query : keyedQuery(query, sends)
}

function fieldsFor(member: Member, all: FlatHeaders): FlatHeaders {
  return [...fields(all)].filter(([name]) => takes(member, name)).flat()
}

function takes({ headers, cookies, host, forwarding }: Member, name: string): boolean {
  if (headers.includes(name) || forwarding?.selects(name) === true) return true
  return (name === 'cookie' && namesAny(cookies)) || (name === 'host' && host === 'viewer')
}
