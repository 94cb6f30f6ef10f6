import { CloudFrontError } from './operation.ts'

export interface PageAsked {
  Marker?: string
  MaxItems?: number | string
}

export interface Page<T> {
  Marker: string
  NextMarker?: string
  MaxItems: number
  IsTruncated: boolean
  Quantity: number
  Items?: T[]
}

const MOST = 100

/**
 * A part of a list, in the order of ids, so that what comes and goes meanwhile moves nothing: what follows the marker,
 * which is the last id of the part before.
 */
export function pageOf<T>(
  all: readonly T[],
  idOf: (each: T) => string,
  { Marker: marker = '', MaxItems: asked = MOST }: PageAsked,
): { items: T[]; page: Page<never> } {
  const most = Number(asked)
  if (!Number.isInteger(most) || most < 1)
    throw new CloudFrontError('InvalidArgument', 'MaxItems is a number above 0')
  const wanted = Math.min(most, MOST)
  const rest = [...all]
    .sort((one, other) => (idOf(one) < idOf(other) ? -1 : 1))
    .filter(each => idOf(each) > marker)
  const items = rest.slice(0, wanted)
  const last = items.at(-1)
  const truncated = rest.length > items.length
  return {
    items,
    page: {
      Marker: marker,
      MaxItems: wanted,
      IsTruncated: truncated,
      Quantity: items.length,
      ...(truncated && last !== undefined && { NextMarker: idOf(last) }),
    },
  }
}

export function withItems<T>(page: Page<never>, items: T[]): Page<T> {
  return { ...page, ...(items.length > 0 && { Items: items }) }
}
