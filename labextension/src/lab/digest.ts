// The digest of a cell's text, for "has it been edited since it was registered"; the twin of nbpipe/live/digest.py.

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** FNV-1a, 32 bits, over the text's UTF-8 without blanks and line ends at its end: eight hexadecimal digits. */
export function digest(text: string): string {
  let hash = OFFSET;
  for (const byte of new TextEncoder().encode(text.replace(/[ \t\r\n]+$/, ''))) {
    hash = Math.imul(hash ^ byte, PRIME);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
