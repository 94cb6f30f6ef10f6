import { closingLines } from '../../media-grants.js'
import { endLine, isOwnForm } from '../../members.js'
import { redirect, refuse } from '../../redirect.js'

export async function POST(request) {
  if (!isOwnForm(request)) return refuse(403, 'This form belongs to another site.')
  return redirect('/', [endLine(), ...closingLines()])
}
