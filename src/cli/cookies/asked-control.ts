import type { ControlClient, Explanation } from '../../client/index.ts'
import { messageOf } from '../../core/index.ts'
import type { RawUrl } from '../../http/index.ts'
import type { Context } from '../command.ts'
import { warning, type Finding } from '../finding.ts'
import { connect } from '../server.ts'

/** Control, as far as there is one: without it the edge alone is asked. */
export interface Control {
  explain(media: RawUrl, cookie?: string): Promise<Explanation | undefined>
  readonly finding: Finding | undefined
}

export function controlOf(context: Context): Control {
  let client: ControlClient | undefined
  let why: string | undefined
  try {
    client = connect(context).client
  } catch (error) {
    why = messageOf(error)
  }
  return {
    async explain(media, cookie) {
      const url = `${media.scheme}://${media.authority}${media.path}${media.query === '' ? '' : `?${media.query}`}`
      try {
        return await client?.explain({ url, ...(cookie === undefined ? {} : { cookie }) })
      } catch (error) {
        why = messageOf(error)
        return undefined
      }
    },
    get finding() {
      if (why === undefined) return undefined
      return warning('control', `not asked: ${why}`, 'With it, keys and behaviours are named as well.')
    },
  }
}
