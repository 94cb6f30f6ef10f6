import type { MediaPlace } from '../../client/index.ts'

/** What stands in a command where a person has to write a place. */
export const ELSEWHERE = 'ELSEWHERE'

/** The command that copies media from one place to another; without one of them a person fills it in. */
export function copyCommand(from: MediaPlace | undefined, to: MediaPlace | undefined): string {
  const places = [from, to].filter(place => place !== undefined)
  const bucket = places.find(place => place.kind === 's3')
  if (bucket === undefined) return `rsync -a --exclude=/tmp/ ${folderOf(from)} ${folderOf(to)}`
  const endpoint = bucket.endpoint === null ? '' : ` --endpoint-url ${quoted(bucket.endpoint)}`
  // What Sluice has unfinished in its folder is no object; in a bucket its objects have no folder around them.
  return `aws s3 sync ${bucketOf(from)} ${bucketOf(to)} --region ${bucket.region}${endpoint}`
}

function folderOf(place: MediaPlace | undefined): string {
  return place?.kind === 'filesystem' ? quoted(`${place.folder.replace(/\/+$/, '')}/`) : `${ELSEWHERE}/`
}

function bucketOf(place: MediaPlace | undefined): string {
  if (place?.kind === 's3') return quoted(`s3://${place.bucket}/${place.prefix}`)
  return place?.kind === 'filesystem'
    ? quoted(`${place.folder.replace(/\/+$/, '')}/objects/`)
    : `s3://${ELSEWHERE}/`
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
