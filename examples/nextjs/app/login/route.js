import { openingLines } from '../../media-grants.js'
import { isMember, isOwnForm, sessionLine } from '../../members.js'
import { redirect, refuse } from '../../redirect.js'

export async function POST(request) {
  if (!isOwnForm(request)) return refuse(403, 'This form belongs to another site.')
  const form = await request.formData()
  const user = form.get('user')
  if (!isMember(user, form.get('password'))) return refuse(401, 'User or password is not right.')
  return redirect('/', [sessionLine(user), ...(await openingLines())])
}
