/** One place that keeps its own list of authorities, and how ours gets onto it. */
export interface TrustStep {
  where: string
  how: string
}

/** For each system and browser. `file` is the authority's certificate; no key is asked for anywhere. */
export function trustSteps(file: string): TrustStep[] {
  const path = `'${file.replaceAll("'", "'\\''")}'`
  return [
    {
      where: 'Debian, Ubuntu (curl, wget, most programs)',
      how: `sudo cp ${path} /usr/local/share/ca-certificates/sluice-local.crt && sudo update-ca-certificates`,
    },
    {
      where: 'Chrome, Chromium, Edge on Linux',
      how: `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n sluice-local -i ${path}   (certutil is in the package libnss3-tools)`,
    },
    {
      where: 'Firefox, everywhere',
      how: `Settings → Privacy & Security → View Certificates → Authorities → Import ${path}, and tick "identify websites"`,
    },
    {
      where: 'macOS (Safari, Chrome)',
      how: `security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ${path}`,
    },
    {
      where: 'Windows, for a browser there and Sluice in WSL2',
      how: `copy the file to Windows, then: certutil -user -addstore Root ca.pem`,
    },
    { where: 'Node', how: `NODE_EXTRA_CA_CERTS=${path}` },
    {
      where: 'One request with curl, without trusting anything',
      how: `curl --cacert ${path} https://localhost:8443/`,
    },
  ]
}
