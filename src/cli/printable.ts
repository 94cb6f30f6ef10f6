// What moves a terminal's cursor, or turns its text round: policies and URLs come from anybody.
const UNFIT = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

/** Text of strangers as a terminal may be given it; its lines stay. */
export function printable(text: string): string {
  return text.replace(UNFIT, '\ufffd')
}
