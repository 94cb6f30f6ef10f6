/** The digest that is signed. SHA-1 is CloudFront's default, SHA-256 what everything here prefers and declares. */
export type Hash = 'sha1' | 'sha256'
