/**
 * CloudFront's base64: the ordinary alphabet on one line, then `+` → `-`, `=` → `_`, `/` → `~`, padding kept
 * (CloudFront Developer Guide, "Creating a signature"). It is not base64url, whose `-` and `_` mean other things.
 * Works wherever JavaScript does: the package export `sluice/sign` runs where there is no Buffer.
 */
export function encodeCloudFront(bytes: Uint8Array): string {
  const binary = Array.from(bytes, byte => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~')
}
