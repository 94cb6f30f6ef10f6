// viewer-request, cloudfront-js-2.0: a page for each country. The behaviour has to name CloudFront-Viewer-Country.
const PAGES = { AT: '/at', DE: '/de', CH: '/ch' }

function handler(event) {
  const request = event.request
  const country = request.headers['cloudfront-viewer-country']
  const place = country && PAGES[country.value]
  if (!place || request.uri.startsWith(place + '/')) return request
  return {
    statusCode: 302,
    statusDescription: 'Found',
    headers: { location: { value: place + request.uri }, 'cache-control': { value: 'no-store' } },
  }
}
