import { Lru } from '../core/index.ts'

/** What kind of device asks, as its User-Agent tells. More than one may hold: a tablet with iOS is both. */
export interface Device {
  android: boolean
  ios: boolean
  desktop: boolean
  mobile: boolean
  tablet: boolean
  smartTv: boolean
}

/**
 * CloudFront's six kinds. Of mobile, tablet, television and desktop one holds at most, and desktop is what calls itself
 * none of the others; who says nothing, or is a program and no browser, is a desktop as well. iPads that call themselves
 * Macs cannot be told from those.
 */
export function deviceOf(userAgent: string | undefined): Device {
  const agent = userAgent ?? ''
  let device = known.get(agent)
  if (device === undefined) {
    device = read(agent)
    if (agent.length <= LONGEST_REMEMBERED) known.set(agent, device)
  }
  return device
}

const known = new Lru<string, Device>({ max: 1_000 })
const LONGEST_REMEMBERED = 300

const SMART_TV =
  /smart-?tv|smarttv|hbbtv|appletv|apple tv|googletv|google tv|android tv|bravia|aft[a-z]{1,4}\b|web0s|webos\.tv|netcast|tizen.*\btv\b|\btv\b.*tizen|viera|roku|crkey|netrange|opera tv|playstation|xbox|nintendo/i
const TABLET = /ipad|tablet|kindle|silk(?!.*mobile)|playbook|nexus (?:7|9|10)\b/i
const MOBILE =
  /mobile|iphone|ipod|windows phone|iemobile|blackberry|\bbb10\b|opera mini|opera mobi|webos|symbian/i

function read(agent: string): Device {
  const android = /android/i.test(agent)
  const smartTv = SMART_TV.test(agent)
  // Android says "Mobile" of telephones alone.
  const tablet = !smartTv && (TABLET.test(agent) || (android && !/mobile/i.test(agent)))
  const mobile = !smartTv && !tablet && MOBILE.test(agent)
  return {
    android,
    ios: /iphone|ipad|ipod/i.test(agent),
    desktop: !smartTv && !tablet && !mobile,
    ...{ mobile, tablet, smartTv },
  }
}
