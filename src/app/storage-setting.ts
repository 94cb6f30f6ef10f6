import type { Reading } from './settings.ts'

/** A bucket and what stands before each key of ours in it: nothing, or a path that ends in `/`. */
export interface BucketPlace {
  bucket: string
  prefix: string
}

/** `s3://films` or `s3://films/media`; nothing for the data folder. */
export function readStorage(text: string): Reading<BucketPlace | undefined> {
  if (text === '') return { kind: 'ok', value: undefined }
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? []
  if (bucket === undefined)
    return { kind: 'bad', why: 'write s3://BUCKET or s3://BUCKET/FOLDER, without keys', hidden: true }
  const folder = path.replace(/\/$/, '')
  if (folder === '') return { kind: 'ok', value: { bucket, prefix: '' } }
  const good =
    folder.length <= 200 && folder.split('/').every(segment => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(segment))
  return good
    ? { kind: 'ok', value: { bucket, prefix: `${folder}/` } }
    : { kind: 'bad', why: 'use letters, digits, ".", "_" and "-" in the folder of the bucket' }
}

export function readEndpoint(text: string): Reading<string | undefined> {
  if (text === '') return { kind: 'ok', value: undefined }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain =
    url?.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === ''
  return url && plain && /^https?:$/.test(url.protocol)
    ? { kind: 'ok', value: url.origin }
    : {
        kind: 'bad',
        why: 'write a URL such as https://store.example:9000, without a path and without keys',
        hidden: true,
      }
}

export function readRegion(text: string): Reading<string> {
  return /^[a-z0-9][a-z0-9-]{0,62}$/i.test(text)
    ? { kind: 'ok', value: text }
    : { kind: 'bad', why: 'write a region such as eu-central-1' }
}

const STYLES = ['auto', 'yes', 'no'] as const

export function readPathStyle(text: string): Reading<(typeof STYLES)[number]> {
  // What YAML makes of yes and no, in either of its versions.
  const word = text === 'true' ? 'yes' : text === 'false' ? 'no' : text
  const style = STYLES.find(each => each === word)
  return style === undefined
    ? { kind: 'bad', why: `use one of ${STYLES.join(', ')}` }
    : { kind: 'ok', value: style }
}
