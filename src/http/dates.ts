import { instant, type Instant } from '../core/index.ts'

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const IMF = /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const RFC850 =
  /^(?:Sun|Mon|Tues|Wednes|Thurs|Fri|Satur)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const ASCTIME = /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

/** Reads the three forms of RFC 9110 §5.6.7; undefined when it is none of them. `now` decides the century of RFC 850's two-digit years. */
export function parseHttpDate(text: string, now: Instant): Instant | undefined {
  let match = IMF.exec(text)
  if (match) return utc(match[3], match[2], match[1], match[4], match[5], match[6])
  match = ASCTIME.exec(text)
  if (match) return utc(match[6], match[1], match[2], match[3], match[4], match[5])
  match = RFC850.exec(text)
  if (match) {
    const thisYear = new Date(now).getUTCFullYear()
    let year = Math.floor(thisYear / 100) * 100 + Number(match[3])
    if (year > thisYear + 50) year -= 100
    return utc(String(year), match[2], match[1], match[4], match[5], match[6])
  }
  return undefined
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
export function formatHttpDate(at: Instant): string {
  const date = new Date(at)
  const two = (n: number): string => String(n).padStart(2, '0')
  return (
    `${DAYS[date.getUTCDay()] ?? ''}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()] ?? ''} ` +
    `${date.getUTCFullYear()} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} GMT`
  )
}

function utc(
  ...parts: [year?: string, month?: string, day?: string, h?: string, m?: string, s?: string]
): Instant | undefined {
  const [year, month, day, hour, minute, second] = parts
  const monthIndex = MONTHS.indexOf(month ?? '')
  if (monthIndex < 0) return undefined
  const numbers = [Number(day), Number(hour), Number(minute), Number(second)] as const
  if (numbers[0] < 1 || numbers[0] > 31 || numbers[1] > 23 || numbers[2] > 59 || numbers[3] > 60)
    return undefined
  return instant(Date.UTC(Number(year), monthIndex, numbers[0], numbers[1], numbers[2], numbers[3]))
}
