export { cloudFrontEvent, readCloudFrontRequest, readCloudFrontResponse } from './cloudfront-event.ts'
export {
  asOriginChange,
  readOriginChange,
  type OriginUpdate,
  type WantedOrigin,
} from './cloudfront-origin.ts'
export { isHidden, shown, titled } from './header-rules.ts'
export { lambdaEvent, readLambdaRequest, readLambdaResponse } from './lambda-event.ts'
export {
  isUnusable,
  unusable,
  type EventContext,
  type GivenRequest,
  type GivenResponse,
  type SeenBody,
  type SeenOrigin,
  type SeenRequest,
  type SeenResponse,
  type Unusable,
} from './seen.ts'
export { playlistEvent, readStretch, type GivenStretch, type Stretch } from './playlist-event.ts'
