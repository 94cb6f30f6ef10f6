import type { IncomingMessage } from 'node:http'
import type { CanonicalPath, DistributionId, Milliseconds } from '../../core/index.ts'
import { fields, type FlatHeaders } from '../../http/index.ts'
import type { Question } from '../../cache/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { elsewhereField } from '../functions/other-origin.ts'
import {
  namedField,
  readNamed,
  ofViewer,
  readToldViewer,
  restoreViewersFields,
  tellViewer,
} from '../peers/peer-question.ts'
import { traceOf } from '../trace.ts'
import { together, TOLD } from '../upstream/forwarding.ts'
import { conditionsOf } from '../upstream/origin-request.ts'
import type { Viewer } from '../viewer.ts'

/**
 * What an edge asks a regional cache: the viewer's request as far as its behaviour lets any of it go upstream, and what the
 * edge itself wants to know (SEAMS 23). Whom it comes from the edge has judged; behaviour, key and origin the regional
 * cache finds out anew.
 */
export interface NodeQuestion {
  distributionId: DistributionId
  /** The distribution's own name, which finds it. */
  domain: string
  /** Who is behind is asked by nobody: he might answer with what was undone. */
  snapshotVersion: number
  sequence: number
  viewer: Viewer
  /** The path that found the behaviour, where it is another one. */
  named: CanonicalPath | undefined
  /** Whom a function has it asked of in place of the behaviour's origin; empty where that is the one. */
  elsewhere: string
  /** So long ago a request at the edge has changed what lies at the path; undefined where none is known to have. */
  changed: Milliseconds | undefined
}

/** With a date of which the edge has the very version: any other one is another version, an earlier one too. */
export const EXACT = 'sluice-exact'

/** Of an edge's question itself: they speak of what it has and wants, whatever its viewer has sent. */
const OF_THE_EDGE = [
  ...['range', 'if-range', 'if-none-match', 'if-modified-since'],
  ...['if-match', 'if-unmodified-since', EXACT],
]

/** `selected` are the viewer's fields that go upstream unkeyed. */
export function nodeFields(x: Exchange, question: Question, selected: FlatHeaders): string[] {
  const { distribution } = known(x.served, 'the distribution')
  const { snapshot } = x.node
  return [
    ...['Sluice-Distribution', distribution.id, 'Sluice-Domain', distribution.domain],
    ...['Sluice-Version', String(snapshot?.version ?? 0), 'Sluice-Seq', String(snapshot?.sequence ?? 0)],
    ...['Sluice-Viewer', tellViewer(known(x.viewer, 'the viewer'))],
    ...changedField(x),
    ...namedField(x),
    ...elsewhereField(x),
    ...traceOf(x),
    ...conditionsOf(question),
    ...(question.validators === undefined ? [] : [EXACT, 'date']),
    ...[...fields(together(x.forwarded, selected))].flatMap(([name, value]) =>
      // What is said of the viewer the regional cache says anew, and his Host.
      TOLD.has(name) || name === 'host' ? [] : [ofViewer(name), value],
    ),
  ]
}

function changedField(x: Exchange): string[] {
  const { cache, clock } = x.node
  const { path } = known(x.target, 'the target')
  const until = cache.forgottenUntil({
    distributionId: known(x.served, 'the distribution').distribution.id,
    path,
  })
  return until === 0 ? [] : ['Sluice-Changed', String(Math.max(0, clock.now() - until))]
}

/** Undefined when it is no such question. */
export function readNodeQuestion({ headers }: IncomingMessage): NodeQuestion | undefined {
  const text = (name: string): string => String(headers[`sluice-${name}`] ?? '')
  const viewer = readToldViewer(text('viewer'))
  if (viewer === undefined || text('distribution') === '') return undefined
  return {
    distributionId: text('distribution') as DistributionId, // it is compared with one that is
    domain: text('domain'),
    snapshotVersion: Number(text('version')),
    sequence: Number(text('seq')),
    viewer,
    named: readNamed(text('named')),
    elsewhere: text('origin'),
    changed: /^\d{1,15}$/.test(text('changed')) ? Number(text('changed')) : undefined,
  }
}

/** Makes of the request what the viewer sent, with the conditions and the range of the edge. */
export function takeQuestion(request: IncomingMessage): void {
  const own = OF_THE_EDGE.map(name => [name, request.headers[name]] as const)
  restoreViewersFields(request)
  for (const [name, value] of own) {
    delete request.headers[name]
    if (value !== undefined) request.headers[name] = value
  }
}
