export { Http1Answer } from './answer.ts'
export { Http1Reader, type Http1Connection, type Http1Options } from './connection.ts'
export { readHead, type HeadMemo, type HeadRead, type RequestHead } from './head.ts'
export { Http1Request } from './request.ts'
