import { Type } from '../core/index.ts'
import type { ViewersAt } from '../distribution/index.ts'
import type { Setting } from './settings.ts'
import {
  readAddresses,
  readHostNames,
  readPlaceOnEarth,
  readPriceClass,
  readViewerPorts,
  type ViewerPorts,
} from './viewers-setting.ts'

const Text = Type.String()
const Texts = Type.Union([Type.String(), Type.Array(Type.Union([Type.String(), Type.Number()]))])

/** By which viewers come to the edge that is nearest to them: what edges say of themselves, and what routers do. */
export const ROUTING_SETTINGS = {
  viewerAddresses: {
    ...{ key: 'viewers.addresses', flag: '--viewers', env: 'SLUICE_VIEWERS', default: '', schema: Texts },
    description:
      'addresses at which viewers reach this edge or router, such as 203.0.113.7,2001:db8::7; routers send nobody to an edge without',
    read: readAddresses,
  } satisfies Setting<string[]>,
  viewerPorts: {
    ...{
      key: 'viewers.ports',
      flag: '--viewer-ports',
      env: 'SLUICE_VIEWER_PORTS',
      default: '',
      schema: Texts,
    },
    description:
      'ports at which viewers reach HTTP and HTTPS there, such as 80,443, 0 for none; those that are listened at without it',
    read: readViewerPorts,
  } satisfies Setting<ViewerPorts | undefined>,
  location: {
    ...{ key: 'viewers.location', flag: '--location', env: 'SLUICE_LOCATION', default: '', schema: Texts },
    description: 'where this edge is, in degrees north and east, such as 48.85,2.35',
    read: readPlaceOnEarth,
  } satisfies Setting<ViewersAt['location']>,
  priceClass: {
    ...{ key: 'viewers.priceClass', flag: '--price-class', env: 'SLUICE_PRICE_CLASS', default: '100' },
    schema: Type.Union([Type.String(), Type.Integer()]),
    description: 'the price class of this edge: 100, 200 or all, from cheap to dear',
    read: readPriceClass,
  } satisfies Setting<NonNullable<ViewersAt['priceClass']>>,
  nameServers: {
    ...{ key: 'router.nameServers', flag: '--name-servers', env: 'SLUICE_NAME_SERVERS', default: '' },
    schema: Texts,
    description:
      'names of the name servers of the domain suffix, as its parent zone has them; router.SUFFIX without it',
    read: readHostNames,
  } satisfies Setting<string[]>,
  acmeChallenge: {
    ...{ key: 'router.acmeChallenge', flag: '--acme-challenge', env: 'SLUICE_ACME_CHALLENGE', default: '' },
    schema: Text,
    description:
      'the name of another zone that _acme-challenge.SUFFIX stands for, so that a certificate for all its names can be had',
    read: readHostNames,
  } satisfies Setting<string[]>,
  dnsAnswers: {
    ...{ key: 'router.dnsAnswers', flag: '--dns-answers', env: 'SLUICE_DNS_ANSWERS', default: '500' },
    schema: Type.Union([Type.Integer({ minimum: 1 }), Type.String()]),
    description:
      'answers of DNS over UDP a second to one network (IPv4 /24, IPv6 /48); the rest has to come over TCP',
    read: text =>
      /^[1-9]\d{0,6}$/.test(text)
        ? { kind: 'ok', value: Number(text) }
        : { kind: 'bad', why: 'write a number from 1 to 9999999' },
  } satisfies Setting<number>,
}
