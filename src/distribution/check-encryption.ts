import type { Behaviour, Origin } from './schema.ts'

/**
 * What keeps a behaviour from encrypting form fields, in sentences that name the mend; CloudFront asks for the same. A
 * form that crosses either side in the clear has been read by then, and forms come by POST and PUT. `members` are the
 * origins that the behaviour has.
 */
export function encryptionProblems(
  { encryption, viewerProtocol, methods }: Behaviour,
  members: readonly Origin[],
  place: string,
): string[] {
  if (encryption === undefined) return []
  return [
    ...(viewerProtocol === 'allow-all'
      ? [
          `${place} encrypts fields and takes forms in the clear: set "viewerProtocol" to "https-only" or "redirect-to-https"`,
        ]
      : []),
    ...(methods === 'all'
      ? []
      : [`${place} encrypts fields of forms and lets no form in: set "methods" to "all"`]),
    ...members.flatMap(origin => {
      const why = unfit(origin)
      return why === undefined ? [] : [`${place} encrypts fields, and its origin "${origin.id}" ${why}`]
    }),
  ]
}

function unfit(origin: Origin): string | undefined {
  if (origin.kind !== 'http') return 'takes no forms: name a server, or take "encryption" out'
  const secure = origin.protocol === 'match-viewer' || /^https:/i.test(origin.url)
  return secure ? undefined : 'is asked in the clear: give it an https:// URL, or "protocol": "match-viewer"'
}
