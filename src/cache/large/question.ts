import type { ByteRange } from '../../http/index.ts'
import type { CacheRequest, Question } from '../contract.ts'

/** What a question to the origin says of ranges: those of a slice, or a viewer's own as he sent them. */
export function rangeFields(
  request: Pick<CacheRequest, 'method' | 'range' | 'ifRange'>,
  wanted: ByteRange | 'own' | undefined,
): Pick<Question, 'range' | 'ifRange'> {
  if (wanted === undefined || request.method === 'HEAD') return {}
  if (wanted !== 'own') return { range: `bytes=${wanted.first}-${wanted.last}` }
  const { range, ifRange } = request
  if (range === undefined) return {}
  return { range, ...(ifRange !== undefined && { ifRange }) }
}
