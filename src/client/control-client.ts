import type { DistributionId, PublicationId } from '../core/index.ts'
import type { DistributionInput, IssuerInput, PolicyInput, TrustedIssuer } from '../distribution/index.ts'
import { streamBackup } from './backup-stream.ts'
import { followChannelEvents } from './channel-events.ts'
import type { ChannelEvent, ChannelInfo, CreatedChannel, NewChannel } from './channel-shapes.ts'
import type { ExplainRequest, Explanation } from './explain-shapes.ts'
import { FunctionClient } from './function-client.ts'
import type {
  AppliedFile,
  ChangedDistribution,
  ChangedIssuer,
  ChangedKeyGroup,
  ChangedOriginAccess,
  ChangedPolicy,
  DistributionInfo,
  KeyGroupChange,
  KeyGroupInfo,
  NewOriginAccess,
  OriginAccessChange,
  OriginAccessInfo,
  PolicyInfo,
} from './private-shapes.ts'
import { ask, type Answer, type Ask, type Connection } from './request.ts'
import { uploadByTus, type UploadOptions, type UploadSource } from './upload.ts'
import type {
  Acknowledgements,
  Asset,
  Changed,
  CreatedToken,
  ImportedKey,
  InvalidationInfo,
  KeyInfo,
  NewInvalidation,
  NewKey,
  NewPublication,
  NewToken,
  NodeInfo,
  Publication,
  TokenInfo,
} from './shapes.ts'
import type { JoinToken, NewJoinToken } from './join-shapes.ts'

export interface ControlClientOptions {
  /** Of the control port. */
  url: string
  token: string
}

export interface Wait {
  waitSeconds?: number
  signal?: AbortSignal
}

/** Remembered entity tags of publications; a client follows few at a time. */
const REMEMBERED = 64

/** The control API as functions. Every error is a SluiceError with the server's code and sentence. */
export class ControlClient extends FunctionClient {
  readonly #connection: Connection
  readonly #seen = new Map<PublicationId, { tag: string; publication: Publication }>()

  constructor(options: ControlClientOptions) {
    const connection = { url: options.url, authorization: `Bearer ${options.token}` }
    super(connection)
    this.#connection = connection
  }

  /** Begins a publication; nothing is visible until its upload is whole and packaged. */
  async publish(wanted: NewPublication): Promise<Publication> {
    return this.#post<Publication>('/v1/assets', wanted)
  }

  /** The bytes of a backup without the files of the data folder; it may be given up at any time. */
  backup(): AsyncGenerator<Uint8Array> {
    return streamBackup(this.#connection)
  }

  /** Sends the bytes; resumes after lost connections and restarts of control, and from an earlier attempt. */
  async upload(publication: Publication, source: UploadSource, options: UploadOptions = {}): Promise<void> {
    await uploadByTus(this.#connection, publication.uploadUrl, source, options)
  }

  /** With `waitSeconds`: answers when it differs from what this client was last told, at the latest then. */
  async publication(id: PublicationId, wait: Wait = {}): Promise<Publication> {
    const known = this.#seen.get(id)
    const path = `/v1/assets/publications/${encodeURIComponent(id)}`
    const headers = known && wait.waitSeconds ? { 'if-none-match': known.tag } : {}
    const answer = await this.#ask({
      method: 'GET',
      path,
      headers,
      query: { wait: wait.waitSeconds },
      ...patience(wait),
    })
    if (answer.status === 304 && known) return known.publication
    const publication = answer.body as Publication // our own server's, of the schema Publication
    this.#remember(id, answer.headers.get('etag') ?? '', publication)
    return publication
  }

  /** All assets, or those at or under a path. */
  async assets(prefix?: string): Promise<Asset[]> {
    return (await this.#get<{ assets: Asset[] }>('/v1/assets', { prefix })).assets
  }

  async asset(path: string): Promise<Asset> {
    return this.#get<Asset>('/v1/assets/at', { path })
  }

  /** Resolves when the origin has taken the asset out of service; throws `not-found` when there is none. */
  async unpublish(path: string): Promise<Changed> {
    const answer = await this.#ask({
      method: 'DELETE',
      path: '/v1/assets/at',
      query: { path },
      waitSeconds: 60,
    })
    return answer.body as Changed // our own server's, of the schema Changed
  }

  /** Throws `exists` or `overlap` (conflicts) for a path that is taken, `not-found` for an unknown key group. */
  async createChannel(wanted: NewChannel): Promise<CreatedChannel> {
    return this.#post<CreatedChannel>('/v1/channels', wanted)
  }

  /** All channels in the order of their paths, or those at or under a path. */
  async channels(prefix?: string): Promise<ChannelInfo[]> {
    return (await this.#get<{ channels: ChannelInfo[] }>('/v1/channels', { prefix })).channels
  }

  async channel(path: string): Promise<ChannelInfo> {
    return this.#get<ChannelInfo>('/v1/channels/at', { path })
  }

  /** Cuts the encoder and ends the broadcast; the channel stays, and an encoder may connect again. */
  async stopChannel(path: string): Promise<Changed> {
    return this.#post<Changed>('/v1/channels/stop', { path })
  }

  async deleteChannel(path: string): Promise<Changed> {
    return (await this.#ask({ method: 'DELETE', path: '/v1/channels/at', query: { path } })).body as Changed // our own server's
  }

  /**
   * What happens to channels from now on, or after the event of this id. Goes on over lost connections and restarts of
   * control and ends when the signal aborts; throws what the server refuses, and `control-away` when the first
   * connection fails.
   */
  events(signal: AbortSignal, lastEventId?: string): AsyncIterable<ChannelEvent> {
    return followChannelEvents(this.#connection, signal, lastEventId)
  }

  async keys(): Promise<KeyInfo[]> {
    return (await this.#get<{ keys: KeyInfo[] }>('/v1/keys')).keys
  }

  async importKey(key: NewKey): Promise<ImportedKey> {
    return this.#post<ImportedKey>('/v1/keys', key)
  }

  async deleteKey(id: string): Promise<Changed> {
    return this.#delete<Changed>(`/v1/keys/${encodeURIComponent(id)}`)
  }

  async keyGroups(): Promise<KeyGroupInfo[]> {
    return (await this.#get<{ keyGroups: KeyGroupInfo[] }>('/v1/key-groups')).keyGroups
  }

  /** By name or id; throws `not-found` when there is none. */
  async changeKeyGroup(name: string, change: KeyGroupChange): Promise<ChangedKeyGroup> {
    return this.#send<ChangedKeyGroup>('PATCH', `/v1/key-groups/${encodeURIComponent(name)}`, change)
  }

  async issuers(): Promise<TrustedIssuer[]> {
    return (await this.#get<{ issuers: TrustedIssuer[] }>('/v1/issuers')).issuers
  }

  async createIssuer(wanted: IssuerInput): Promise<ChangedIssuer> {
    return this.#post<ChangedIssuer>('/v1/issuers', wanted)
  }

  async replaceIssuer(id: string, wanted: IssuerInput): Promise<ChangedIssuer> {
    return this.#send<ChangedIssuer>('PUT', `/v1/issuers/${encodeURIComponent(id)}`, wanted)
  }

  /** By name or id; throws `in-use` while a behaviour trusts it. */
  async deleteIssuer(id: string): Promise<Changed> {
    return this.#delete<Changed>(`/v1/issuers/${encodeURIComponent(id)}`)
  }

  async originAccess(): Promise<OriginAccessInfo[]> {
    return (await this.#get<{ originAccess: OriginAccessInfo[] }>('/v1/origin-access')).originAccess
  }

  async createOriginAccess(wanted: NewOriginAccess): Promise<ChangedOriginAccess> {
    return this.#post<ChangedOriginAccess>('/v1/origin-access', wanted)
  }

  /** By name or id; what is left out stays as it is. */
  async changeOriginAccess(id: string, change: OriginAccessChange): Promise<ChangedOriginAccess> {
    return this.#send<ChangedOriginAccess>('PUT', `/v1/origin-access/${encodeURIComponent(id)}`, change)
  }

  /** By name or id; throws `in-use` while an origin names it. */
  async deleteOriginAccess(id: string): Promise<Changed> {
    return this.#delete<Changed>(`/v1/origin-access/${encodeURIComponent(id)}`)
  }

  /** The managed ones first. */
  async policies(): Promise<PolicyInfo[]> {
    return (await this.#get<{ policies: PolicyInfo[] }>('/v1/policies')).policies
  }

  /** By id, or by a name that one policy alone has. */
  async policy(id: string): Promise<PolicyInfo> {
    return this.#get<PolicyInfo>(`/v1/policies/${encodeURIComponent(id)}`)
  }

  async createPolicy(wanted: PolicyInput): Promise<ChangedPolicy> {
    return this.#post<ChangedPolicy>('/v1/policies', wanted)
  }

  /** Every behaviour that names it follows; throws `in-use` where one could not, `managed` for one that is not ours. */
  async replacePolicy(id: string, wanted: PolicyInput): Promise<ChangedPolicy> {
    return this.#send<ChangedPolicy>('PUT', `/v1/policies/${encodeURIComponent(id)}`, wanted)
  }

  /** Throws `in-use` while a behaviour names it. */
  async deletePolicy(id: string): Promise<Changed> {
    return this.#delete<Changed>(`/v1/policies/${encodeURIComponent(id)}`)
  }

  async distributions(): Promise<DistributionInfo[]> {
    return (await this.#get<{ distributions: DistributionInfo[] }>('/v1/distributions')).distributions
  }

  /** Makes the distributions of a configuration file, by their names there, what it says: all of them, or none. */
  async applyFile(distributions: Record<string, DistributionInput>): Promise<AppliedFile> {
    return this.#send<AppliedFile>('PUT', '/v1/file/distributions', { distributions })
  }

  async distribution(id: DistributionId): Promise<DistributionInfo> {
    return this.#get<DistributionInfo>(`/v1/distributions/${encodeURIComponent(id)}`)
  }

  /** Throws `bad-distribution` with all that is wrong, `alias-taken` for a name of another. */
  async createDistribution(wanted: DistributionInput): Promise<ChangedDistribution> {
    return this.#post<ChangedDistribution>('/v1/distributions', wanted)
  }

  /** Replaces it whole; secret header values that are null or left out stay as they are stored. */
  async replaceDistribution(id: string, wanted: DistributionInput): Promise<ChangedDistribution> {
    return this.#send<ChangedDistribution>('PUT', `/v1/distributions/${encodeURIComponent(id)}`, wanted)
  }

  /** Throws `enabled` or `fallback`, conflicts, for one that may not go. */
  async deleteDistribution(id: string): Promise<Changed> {
    return this.#delete<Changed>(`/v1/distributions/${encodeURIComponent(id)}`)
  }

  async invalidate(wanted: NewInvalidation): Promise<InvalidationInfo> {
    return this.#post<InvalidationInfo>('/v1/invalidations', wanted)
  }

  /** What the newest configuration says to a request, and why; nothing that lets in is told back. */
  async explain(request: ExplainRequest): Promise<Explanation> {
    return this.#post<Explanation>('/v1/explain', request)
  }

  /** Which live nodes have a snapshot version; waits until all have, or for `waitSeconds`. */
  async acknowledged(version: number, wait: Wait = {}): Promise<Acknowledgements> {
    return this.#get<Acknowledgements>('/v1/acknowledgements', { version, wait: wait.waitSeconds }, wait)
  }

  async nodes(): Promise<NodeInfo[]> {
    return (await this.#get<{ nodes: NodeInfo[] }>('/v1/nodes')).nodes
  }

  async createJoinToken(wanted: NewJoinToken): Promise<JoinToken> {
    return this.#post<JoinToken>('/v1/nodes/tokens', wanted)
  }

  /** The certificate, as PEM, that control and nodes on other machines are known by. */
  async authority(): Promise<string> {
    return (await this.#get<{ authority: string }>('/v1/node/authority')).authority
  }

  /** Nothing new is sent to a node, or is again; throws `not-found`. */
  async drainNode(id: string, wanted: 'drain' | 'undrain'): Promise<Changed> {
    return this.#post<Changed>(`/v1/nodes/${encodeURIComponent(id)}/${wanted}`, {})
  }

  async removeNode(id: string): Promise<void> {
    await this.#delete(`/v1/nodes/${encodeURIComponent(id)}`)
  }

  async createToken(wanted: NewToken): Promise<CreatedToken> {
    return this.#post<CreatedToken>('/v1/tokens', wanted)
  }

  async tokens(): Promise<TokenInfo[]> {
    return (await this.#get<{ tokens: TokenInfo[] }>('/v1/tokens')).tokens
  }

  async deleteToken(id: string): Promise<void> {
    await this.#delete(`/v1/tokens/${encodeURIComponent(id)}`)
  }

  #remember(id: PublicationId, tag: string, publication: Publication): void {
    this.#seen.delete(id)
    this.#seen.set(id, { tag, publication })
    if (this.#seen.size <= REMEMBERED) return
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest)
      break
    }
  }

  async #get<T>(path: string, query: NonNullable<Ask['query']> = {}, wait: Wait = {}): Promise<T> {
    return (await this.#ask({ method: 'GET', path, query, ...patience(wait) })).body as T // our own server's
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('POST', path, body)
  }

  async #send<T>(method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown): Promise<T> {
    return (await this.#ask({ method, path, body })).body as T // our own server's
  }

  async #delete<T>(path: string): Promise<T> {
    return (await this.#ask({ method: 'DELETE', path })).body as T // our own server's
  }

  #ask(wanted: Ask): Promise<Answer> {
    return ask(this.#connection, wanted)
  }
}

function patience(wait: Wait): Pick<Ask, 'signal' | 'waitSeconds'> {
  return {
    ...(wait.signal ? { signal: wait.signal } : {}),
    ...(wait.waitSeconds === undefined ? {} : { waitSeconds: wait.waitSeconds }),
  }
}
