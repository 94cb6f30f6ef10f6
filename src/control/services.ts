import type { Milliseconds } from '../core/index.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Backups } from './backups.ts'
import type { Bell } from './bell.ts'
import type { ChannelEvents } from './channel-events.ts'
import type { ChannelLeases } from './channel-leases.ts'
import type { ChannelStates } from './channel-states.ts'
import type { Database } from './database/index.ts'
import type { EventFeed } from './event-feed.ts'
import type { Guard } from '../outbound/index.ts'
import type { FunctionTrials } from './function-trials.ts'
import type { NodeGossip } from './node-gossip.ts'
import type { MeasuredNetworks } from './measured.ts'
import type { NodeHealths } from './node-healths.ts'
import type { Joins } from './joins.ts'
import type { NodeAuthority } from './node-authority.ts'
import type { Publishing } from './publishing.ts'
import type { Snapshots } from './snapshots.ts'
import type { UploadHandler } from './uploads.ts'

/** What the routes work with. */
export interface Services {
  database: Database
  snapshots: Snapshots
  acknowledgements: Acknowledgements
  healths: NodeHealths
  /** How far viewers' networks are from edges. */
  measured: MeasuredNetworks
  /** Where several controls share the database. */
  gossip: NodeGossip | undefined
  publishing: Publishing
  trials: FunctionTrials
  /** Opened when somebody needs it. */
  authority: () => Promise<NodeAuthority>
  joins: Joins
  backups: Backups
  uploads: UploadHandler
  channelStates: ChannelStates
  channelLeases: ChannelLeases
  channelEvents: ChannelEvents
  eventFeed: EventFeed
  /** Of what leaves control: webhooks. */
  guard: Guard
  /** Rings when a publication or an asset changed. */
  publicationBell: Bell
  /** Rings when a job may be taken. */
  jobBell: Bell
  /** Of the domains of distributions. */
  domainSuffix: string
  /** How long a lease holds without a heartbeat. */
  lease: Milliseconds
}
