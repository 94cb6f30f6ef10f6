import type { Setting } from '../../src/app/settings.ts'

/** The row of docs/CONFIGURATION.md that a setting must have. */
export function settingRow(setting: Setting<unknown>): string {
  const computed = Object.getOwnPropertyDescriptor(setting, 'default')?.get !== undefined
  const value = computed ? 'by machine' : setting.default === '' ? 'none' : `\`${setting.default}\``
  return `| \`${setting.key}\` | \`${setting.flag}\` | \`${setting.env}\` | ${value} | ${setting.description} |`
}

/** Settings that the page lacks or tells otherwise, and rows of the page that stand for no setting. */
export function settingGaps(settings: readonly Setting<unknown>[], page: string): string[] {
  const wanted = settings.map(settingRow)
  const rows = page.split('\n').filter(line => /^\| `[\w.]+` \| `--/.test(line))
  return [
    ...wanted.filter(row => !rows.includes(row)).map(row => `docs/CONFIGURATION.md lacks: ${row}`),
    ...rows
      .filter(row => !wanted.includes(row))
      .map(row => `docs/CONFIGURATION.md has no setting for: ${row}`),
  ]
}
