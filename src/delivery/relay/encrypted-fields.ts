import { codeOf, messageOf, SluiceError, type FormReason } from '../../core/index.ts'
import {
  EncryptedForm,
  judge,
  RefusedForm,
  type FieldStatus,
  type FormHead,
  type FormRefusal,
} from '../../fields/index.ts'
import { fields, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { sendError } from '../answer/refusal.ts'
import { known, type Exchange } from '../exchange.ts'

export type SentBody = AsyncIterable<Uint8Array> | undefined

/**
 * What goes to the origin in place of a body, by the encryption that the behaviour names; `headers` are those that go with it.
 * What they say is judged before any of the body is asked for; of a form so much is read and encrypted here that nearly all
 * are whole. Rejects where it goes no further, of which the origin has heard nothing then: see `sendFormTrouble`.
 */
export async function encryptFields(x: Exchange, body: SentBody, headers: FlatHeaders): Promise<SentBody> {
  const encryption = x.node.encryptionOf(known(x.behaviour, 'the behaviour'))
  const { encryptor } = x.node
  const head = headOf(x, headers)
  // What says how is not here, so the fields would go in the clear.
  if (encryption === undefined || encryptor === undefined) {
    if (head.method !== 'POST' && head.method !== 'PUT') return body
    x.form = { status: 'ServerError', fields: 0 }
    throw new SluiceError('encryption-failed', 'the encryption of this behaviour is not known here')
  }
  const judged = judge(head, encryption)
  switch (judged.kind) {
    case 'untouched':
      return body
    case 'forward':
      x.form = { status: judged.status, fields: 0 }
      return body
    case 'refuse':
      x.form = { status: judged.status, fields: 0 }
      throw new RefusedForm(judged.status)
    case 'encrypt': {
      if (body === undefined) {
        x.form = { status: 'Processed', fields: 0 }
        return undefined
      }
      const form = new EncryptedForm(body, judged.profile, encryptor)
      x.form = new FormRecord(form)
      await form.prepare()
      return form
    }
  }
}

/** The fields of a request whose body is another than the viewer sent: of those that speak of that one none is true. */
export function ofAnotherBody(headers: FlatHeaders, isAnother: boolean): FlatHeaders {
  return isAnother ? withoutFields(headers, OF_THE_BODY) : headers
}

/** RFC 9110 §8.6, RFC 9530, RFC 3230, RFC 2616 §14.15. */
const OF_THE_BODY = new Set(['content-length', 'content-digest', 'repr-digest', 'digest', 'content-md5'])

/** The origin has answered; an error before it has heard the whole form is its own. */
export function noteFormAnswer({ form }: Exchange, status: number): void {
  if (form instanceof FormRecord && !form.isWhole && status >= 500) form.status = 'ServerError'
}

/** Answers for what went wrong with the form itself; `false` where it was the origin, or there was none. */
export function sendFormTrouble(x: Exchange, error: unknown): boolean {
  const { form } = x
  if (form === undefined) return false
  // Whoever was sending it when it broke off may have put an error of his own in the place of its.
  const failure = (form instanceof FormRecord ? form.failure : undefined) ?? error
  if (failure instanceof RefusedForm) {
    refuseForm(x, failure.status)
    return true
  }
  form.status = 'ServerError'
  const code = codeOf(failure)
  if (code !== 'encryption-busy' && code !== 'encryption-failed') return false
  fail(x, code, messageOf(failure))
  return true
}

/** Tells what is known at the end, when it is written down. */
class FormRecord {
  readonly #form: EncryptedForm
  #status: FieldStatus = 'Processed'

  constructor(form: EncryptedForm) {
    this.#form = form
  }

  get status(): FieldStatus {
    return this.#form.refusal ?? this.#status
  }

  set status(status: FieldStatus) {
    this.#status = status
  }

  get fields(): number {
    return this.#form.fields
  }

  get failure(): unknown {
    return this.#form.failure
  }

  get isWhole(): boolean {
    return this.#form.isWhole
  }
}

function headOf(x: Exchange, headers: FlatHeaders): FormHead {
  const { method = '' } = x.request
  const all = (name: string): string[] =>
    [...fields(headers)].flatMap(([each, value]) => (each.toLowerCase() === name ? [value] : []))
  const [length] = all('content-length')
  const codings = all('content-encoding')
  return {
    method,
    contentTypes: all('content-type'),
    coding: codings.length === 0 ? undefined : codings.join(','),
    length: length === undefined ? undefined : Number(length),
    query: known(x.target, 'the target').query,
  }
}

const REFUSALS: Readonly<Record<FormRefusal, [reason: FormReason, message: string]>> = {
  MalformedContentTypeClientError: ['form-type', 'The Content-Type cannot be read'],
  RejectedByContentType: ['form-type', 'A body of this Content-Type is not taken here'],
  MalformedQueryArgsClientError: [
    'form-profile',
    'The query argument fle-profile is empty or cannot be read',
  ],
  RejectedByQueryArgs: ['form-profile', 'The query argument fle-profile names nothing that is known here'],
  MalformedInputClientError: ['form-malformed', 'The form cannot be read'],
  FieldLengthLimitClientError: ['form-limit', 'A field that is to be encrypted is longer than 16 KB'],
  FieldNumberLimitClientError: ['form-limit', 'More than 10 fields are to be encrypted'],
  RequestLengthLimitClientError: ['form-limit', 'The form is longer than 1 MB'],
}

function refuseForm(x: Exchange, status: FormRefusal): void {
  const [reason, message] = REFUSALS[status]
  x.reason = reason
  sendError(x, 400, status, message, ['X-Sluice-Reason', reason])
}

function fail(x: Exchange, reason: 'encryption-busy' | 'encryption-failed', why: string): void {
  x.node.log.warn({ id: x.id, why, path: x.loggedPath }, 'fields of a form were not encrypted')
  x.reason = reason
  const told = ['X-Sluice-Reason', reason]
  if (reason === 'encryption-busy')
    sendError(x, 503, 'ServiceUnavailable', 'Too many forms are being encrypted', [
      ...told,
      'Retry-After',
      '1',
    ])
  else sendError(x, 502, 'BadGateway', 'The form cannot be encrypted', told)
}
