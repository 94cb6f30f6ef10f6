import { isIP } from 'node:net'
import type { ViewersAt } from '../distribution/index.ts'
import type { FixedListen } from './ports.ts'
import type { Configuration, Reading } from './settings.ts'

const MOST_ADDRESSES = 16

/** `203.0.113.7,2001:db8::7`. */
export function readAddresses(text: string): Reading<string[]> {
  const found = partsOf(text)
  const wrong = found.find(part => isIP(part) === 0 || part.includes('%'))
  if (wrong !== undefined)
    return { kind: 'bad', why: `"${wrong}" is no address, write 203.0.113.7 or 2001:db8::7` }
  if (found.length > MOST_ADDRESSES) return { kind: 'bad', why: `write at most ${MOST_ADDRESSES} addresses` }
  return { kind: 'ok', value: found }
}

/** Where viewers reach HTTP and HTTPS; null for not at all. */
export interface ViewerPorts {
  http: number | null
  https: number | null
}

/** `80,443`, with 0 for what viewers do not reach; nothing for the ports that are listened at. */
export function readViewerPorts(text: string): Reading<ViewerPorts | undefined> {
  if (text === '') return { kind: 'ok', value: undefined }
  const [http, https, ...more] = partsOf(text).map(part =>
    /^\d{1,5}$/.test(part) ? Number(part) : Number.NaN,
  )
  const isPort = (port: number | undefined): port is number => port !== undefined && port <= 65_535
  if (!isPort(http) || !isPort(https) || more.length > 0 || http + https === 0)
    return { kind: 'bad', why: 'write two ports such as 80,443, the first for HTTP; 0 for none' }
  return { kind: 'ok', value: { http: http === 0 ? null : http, https: https === 0 ? null : https } }
}

/** `48.85,2.35`: degrees, north and east. */
export function readPlaceOnEarth(text: string): Reading<ViewersAt['location']> {
  if (text === '') return { kind: 'ok', value: undefined }
  const [latitude, longitude, ...more] = partsOf(text).map(Number)
  const isIn = (degrees: number | undefined, most: number): degrees is number =>
    degrees !== undefined && Math.abs(degrees) <= most
  if (!isIn(latitude, 90) || !isIn(longitude, 180) || more.length > 0)
    return { kind: 'bad', why: 'write degrees north and east, such as 48.85,2.35' }
  return { kind: 'ok', value: { latitude, longitude } }
}

const CLASSES = ['100', '200', 'all'] as const

export function readPriceClass(text: string): Reading<(typeof CLASSES)[number]> {
  const found = CLASSES.find(each => each === text)
  return found === undefined ? { kind: 'bad', why: 'use 100, 200 or all' } : { kind: 'ok', value: found }
}

/** Names of hosts. */
export function readHostNames(text: string): Reading<string[]> {
  const found = partsOf(text).map(part => part.toLowerCase().replace(/\.$/, ''))
  const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?'
  const wrong = found.find(part => part.length > 253 || !new RegExp(`^${label}(?:\\.${label})*$`).test(part))
  return wrong === undefined
    ? { kind: 'ok', value: found }
    : { kind: 'bad', why: `"${wrong}" is no name of a host, write ns1.example.com` }
}

/** What routers are told of this node; undefined where it was not told. */
export function viewersOf(
  configuration: Pick<Configuration, 'viewerAddresses' | 'viewerPorts' | 'location' | 'priceClass'>,
  ports: { http: FixedListen; https: FixedListen },
): ViewersAt | undefined {
  const { viewerAddresses: addresses, viewerPorts, location, priceClass } = configuration
  if (addresses.length === 0) return undefined
  const { http, https } = viewerPorts ?? { http: ports.http.port, https: ports.https.port }
  return { addresses, http, https, ...(location && { location }), priceClass }
}

function partsOf(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}
