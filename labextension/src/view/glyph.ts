// The glyph of a status, as an SVG of its own.

import { GLYPHS, LOOKS } from '../protocol';
import { drawn } from './elements';

/** A status's shape in its hue, `size` pixels wide; empty for a word that is none. */
export function glyph(status: string, size = 16): SVGSVGElement {
  const made = drawn('svg', { viewBox: '-9 -9 18 18', width: size, height: size, 'aria-hidden': 'true' });
  made.classList.add('nbpipe-glyph', `nbpipe-hue-${LOOKS[status]?.hue ?? 'idle'}`);
  made.innerHTML = GLYPHS[status] ?? ''; // constants of ours
  return made;
}
