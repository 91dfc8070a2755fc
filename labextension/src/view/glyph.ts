// The glyph of a status: as an SVG of its own, or as a part of a drawing.

import { GLYPHS, LOOKS } from '../protocol';
import { drawn } from './elements';

/** A status's shape in its hue, `size` pixels wide; empty for a word that is none. */
export function glyph(status: string, size = 16): SVGSVGElement {
  const made = drawn('svg', { viewBox: '-9 -9 18 18', width: size, height: size, 'aria-hidden': 'true' });
  made.classList.add('nbpipe-glyph', `nbpipe-hue-${LOOKS[status]?.hue ?? 'idle'}`);
  made.append(shape(status));
  return made;
}

const shapes = new Map<string, SVGGElement>();

/** A status's shape around the origin, 16 by 16, in the current colour; an empty ring for a word that is none. */
export function shape(status: string): SVGGElement {
  let known = shapes.get(status);
  if (!known) {
    known = drawn('g', { class: 'nbpipe-shape' });
    known.innerHTML = GLYPHS[status] ?? '<circle r="7"/>'; // constants of ours
    shapes.set(status, known);
  }
  return known.cloneNode(true) as SVGGElement;
}
