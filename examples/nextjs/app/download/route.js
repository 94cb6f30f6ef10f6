import { downloadUrl } from '../../media-grants.js'
import { userOf } from '../../members.js'
import { redirect, refuse } from '../../redirect.js'

/** A link that works wherever it is opened, for a quarter of an hour. Only members get one, and only for this file. */
export async function GET(request) {
  if (userOf(request) === undefined) return refuse(401, 'Log in first.')
  return redirect(await downloadUrl(process.env.DOWNLOAD ?? '/members/talk/index.m3u8'))
}
