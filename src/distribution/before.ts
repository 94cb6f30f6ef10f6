import { reader, SluiceError, Type } from '../core/index.ts'
import { Behaviour, BuiltInOrigin, Distribution, HttpOrigin, S3Origin } from './schema.ts'

/**
 * What nodes of the version before, 0.5, know of a distribution. They pass over words that they do not know, and refuse
 * a whole snapshot for a value that they do not.
 */
const STRICT = { additionalProperties: false }
const { pattern, originId, gate, carry, ttl, viewerProtocol, compress, corsOrigins, policies } =
  Behaviour.properties
const { id, kind, url, headers, protocol, httpPort, httpsPort, shield } = HttpOrigin.properties
const { attempts, connectTimeout, responseTimeout, keepAlive } = HttpOrigin.properties
const { domain, aliases, enabled, comment, originGroups, errors } = Distribution.properties

const NONE_OR_ALL = [Type.Literal('none'), Type.Literal('all')]
const Some = Type.Union([...NONE_OR_ALL, Type.Array(Type.String())])

const DistributionBefore = Type.Object(
  {
    ...{ id: Distribution.properties.id, domain, aliases, enabled, comment, originGroups, errors },
    origins: Type.Array(
      Type.Union([
        BuiltInOrigin,
        S3Origin,
        Type.Object(
          {
            ...{ id, kind, url, headers, protocol, httpPort, httpsPort, shield },
            ...{ attempts, connectTimeout, responseTimeout, keepAlive },
          },
          STRICT,
        ),
      ]),
    ),
    behaviours: Type.Array(
      Type.Object(
        {
          ...{ pattern, originId, gate, carry, ttl, viewerProtocol, compress, corsOrigins, policies },
          ...{ query: Some, forward: Some, cookies: Type.Union(NONE_OR_ALL) },
          headers: Type.Array(Type.String({ pattern: '^(?!cloudfront-)' })),
          methods: Type.Union([Type.Literal('read'), Type.Literal('all')]),
        },
        STRICT,
      ),
    ),
  },
  STRICT,
)

const readBefore = reader(DistributionBefore, 'the distribution')

/** Whether a node of 0.5 follows all of it. One of its edges keeps every cookie behind a gate for itself. */
export function isKnownBefore(distribution: Distribution): boolean {
  if (distribution.behaviours.some(each => each.gate !== null && each.cookies !== 'none')) return false
  try {
    readBefore(distribution)
    return true
  } catch (error) {
    if (error instanceof SluiceError) return false
    throw error
  }
}

/** In the place of one that a node would serve by less than it says: its names are answered as if it were switched off. */
export function withheld({ id, domain, aliases, comment }: Distribution): Distribution {
  return {
    ...{ id, domain, aliases, enabled: false, comment },
    origins: [{ id: 'built-in', kind: 'built-in' }],
    behaviours: [
      {
        ...{ pattern: '*', originId: 'built-in', gate: null, carry: 'none' },
        ttl: { minimum: 0, default: 0, maximum: 0 },
        ...{ viewerProtocol: 'allow-all', query: 'none', headers: [], forward: 'none', cookies: 'none' },
        ...{ methods: 'read', compress: false, corsOrigins: [] },
      },
    ],
    errors: [],
  }
}
