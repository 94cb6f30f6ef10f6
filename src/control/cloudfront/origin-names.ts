/** By which a DistributionConfig names the origin role of this CDN. The domain `internal` is nobody's (ICANN, 2024). */
export const BUILT_IN_DOMAIN = 'origin.sluice.internal'

/**
 * Custom headers of an S3 origin that are no headers: what CloudFront has no setting for, since it knows one store only.
 * Clients send them unchanged, and they are told to nobody.
 */
export const STORE_FIELDS = ['Sluice-Store', 'Sluice-Region', 'Sluice-Addressing'] as const
export type StoreField = (typeof STORE_FIELDS)[number]

export interface Bucket {
  bucket: string
  endpoint: string
  region: string
  addressing: 'host' | 'path'
}

/** `media.s3.eu-central-1.amazonaws.com`, also in the older spellings, for IPv6 and in China. */
const AMAZON = /^(.+)\.s3(?:[.-](?:dualstack\.)?([a-z0-9-]+))?\.amazonaws\.com(\.cn)?$/

/** The bucket that a domain name of Amazon's names; undefined when it is another store's. */
export function amazonBucket(domain: string): Bucket | undefined {
  const [, bucket, region = 'us-east-1', china = ''] = AMAZON.exec(domain) ?? []
  if (bucket === undefined || region.startsWith('website')) return undefined
  return { bucket, region, endpoint: `https://s3.${region}.amazonaws.com${china}`, addressing: 'host' }
}

/**
 * The bucket of any other store: `media.store.example` is `media` at `https://store.example`, with the bucket in the
 * host. `Sluice-Store` names the store's own URL, where the bucket stands in the path unless `Sluice-Addressing` says.
 */
export function storeBucket(
  domain: string,
  fields: Partial<Record<StoreField, string>>,
): Bucket | { problem: string } {
  const { 'Sluice-Store': store, 'Sluice-Region': region = 'us-east-1' } = fields
  const dot = domain.indexOf('.')
  if (store === undefined) {
    if (dot < 1) return { problem: `"${domain}" names no bucket: write it as BUCKET.STORE` }
    return {
      bucket: domain.slice(0, dot),
      endpoint: `https://${domain.slice(dot + 1)}`,
      region,
      addressing: addressingOf(fields, 'host'),
    }
  }
  if (!URL.canParse(store))
    return { problem: `Sluice-Store is no URL: write it as https://store.example:9000` }
  const behind = `.${new URL(store).hostname}`
  const bucket = domain.endsWith(behind)
    ? domain.slice(0, -behind.length)
    : domain.slice(0, dot < 1 ? domain.length : dot)
  return { bucket, endpoint: store, region, addressing: addressingOf(fields, 'path') }
}

function addressingOf(
  { 'Sluice-Addressing': word }: Partial<Record<StoreField, string>>,
  usual: 'host' | 'path',
): 'host' | 'path' {
  return word === 'host' || word === 'path' ? word : usual
}

/** The domain name and the fields by which the bucket is named again. */
export function nameBucket(bucket: Bucket): { domain: string; fields: [StoreField, string][] } {
  const domain = `${bucket.bucket}.${new URL(bucket.endpoint).hostname}`
  const known = amazonBucket(domain)
  if (known !== undefined && same(known, bucket)) return { domain, fields: [] }
  const plain = storeBucket(domain, {})
  if (!('problem' in plain) && known === undefined && same(plain, bucket)) return { domain, fields: [] }
  const fields: [StoreField, string][] = [['Sluice-Store', bucket.endpoint]]
  if (bucket.region !== 'us-east-1') fields.push(['Sluice-Region', bucket.region])
  if (bucket.addressing === 'host') fields.push(['Sluice-Addressing', 'host'])
  return { domain, fields }
}

function same(one: Bucket, other: Bucket): boolean {
  return (
    one.bucket === other.bucket &&
    one.endpoint === other.endpoint &&
    one.region === other.region &&
    one.addressing === other.addressing
  )
}
