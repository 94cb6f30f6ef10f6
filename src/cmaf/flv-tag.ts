/** One FLV tag, or one RTMP message: what encoders send (Adobe FLV 10.1, E.4). */
export interface FlvTag {
  type: FlvTagType
  /** Decoding time in milliseconds as the encoder counts it: 32 bits, may wrap or begin anew. */
  timestamp: number
  /** The tag's body; owned by whoever holds the tag, never written to again. */
  data: Uint8Array
}

export type FlvTagType = 'audio' | 'video' | 'script'
