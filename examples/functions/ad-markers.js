// playlist-response, sluice-js-1, stored: SCTE-35 cues as an encoder writes them become the date ranges that players know.
function handler({ playlist }) {
  for (const entry of playlist.entries)
    entry.tags = entry.tags.map(tag => {
      if (tag.name !== 'EXT-X-CUE-OUT') return tag
      const id = `break-${entry.uri}`
      const date = entry.tags.find(({ name }) => name === 'EXT-X-PROGRAM-DATE-TIME')
      if (!date) return tag
      const PLANNED = { 'PLANNED-DURATION': tag.value || '0' }
      return {
        name: 'EXT-X-DATERANGE',
        attributes: { ID: id, CLASS: 'com.example.break', 'START-DATE': date.value, ...PLANNED },
      }
    })
  return playlist
}
