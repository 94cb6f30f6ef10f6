import type { Findings } from './findings.ts'
import { itemsOf } from './lists.ts'
import type { DistributionConfig } from './shapes.ts'

/** Settings of the whole distribution that are kept, or refused since they would decide who may see what. */
export function refuseStrange(config: DistributionConfig, found: Findings): void {
  refuse(config, found)
  notice(config, found)
}

function refuse(config: DistributionConfig, found: Findings): void {
  const no = (setting: string, given: boolean, why: string, code?: string): void => {
    if (given) found.refuse(setting, why, code)
  }
  no(
    'WebACLId',
    filled(config.WebACLId),
    'there is no web application firewall here: leave it empty',
    'InvalidWebACLId',
  )
  no(
    'ViewerMtlsConfig',
    config.ViewerMtlsConfig !== undefined,
    'viewers are asked for no certificate: take it out',
  )
  no('Staging', config.Staging === true, 'there are no staging distributions: set it to false')
  no(
    'ContinuousDeploymentPolicyId',
    filled(config.ContinuousDeploymentPolicyId),
    'there is no continuous deployment: leave it empty',
  )
  no('AnycastIpListId', filled(config.AnycastIpListId), 'there are no anycast addresses: leave it empty')
  no(
    'ConnectionMode',
    (config.ConnectionMode ?? 'direct') !== 'direct',
    'there are no tenants: set it to direct',
  )
  no(
    'TenantConfig',
    itemsIn(config.TenantConfig?.ParameterDefinitions) > 0,
    'there are no tenants: take it out',
  )
  no(
    'ConnectionFunctionAssociation',
    config.ConnectionFunctionAssociation !== undefined,
    'there are no connection functions: take it out',
  )
  no(
    'CacheTagConfig',
    config.CacheTagConfig !== undefined,
    'nothing is invalidated by tag, only by path: take it out',
  )
}

function notice(config: DistributionConfig, found: Findings): void {
  const { Logging: logging } = config
  if (logging?.Enabled === true)
    found.notice('Logging', 'kept, and no log is delivered to a bucket yet: each edge has its access log')
  if (config.IsIPV6Enabled === false)
    found.notice('IsIPV6Enabled', 'kept; an edge answers at the addresses that its port is open on')
  if (itemsOf(config.Aliases).some(alias => alias !== alias.toLowerCase()))
    found.notice('Aliases', 'host names are kept in lower case')
}

function filled(text: string | undefined): boolean {
  return text !== undefined && text !== ''
}

function itemsIn(list: readonly unknown[] | undefined): number {
  return list?.length ?? 0
}
