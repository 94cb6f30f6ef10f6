export function which(name: string, search?: string): string | undefined
export function postgresFolders(root?: string): string[]
export function findBrowser(): string | undefined
export function hasFfmpeg(): boolean
export function installPackages(names: string[]): boolean
export function missingProgram(
  suite: string,
  search?: string,
): { program: string; debian: string } | undefined
