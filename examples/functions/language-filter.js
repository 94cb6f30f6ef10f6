// playlist-response, sluice-js-1, asked: ?lang=de lists the German sound alone.
function handler({ playlist, request }) {
  const wanted = request.querystring.lang && request.querystring.lang.value
  if (!wanted || playlist.kind !== 'multivariant') return playlist
  playlist.header = playlist.header.filter(
    ({ name, attributes }) =>
      name !== 'EXT-X-MEDIA' || attributes.TYPE !== 'AUDIO' || attributes.LANGUAGE === wanted,
  )
  return playlist
}
