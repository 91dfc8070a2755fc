// What cards of every size are made of: frame and rail, texts, badge, progress.

import { SCREEN_GLYPH } from '../../protocol';
import type { Look } from '../../protocol';
import { drawn } from '../elements';
import type { Face, Ruler } from './text';

/** Texts of one drawing, each under a name, so that only what changed is written again. */
export class Words {
  readonly #kept = new Map<string, SVGElement>();
  readonly #said = new Map<string, string>();

  constructor(
    private readonly ground: SVGElement,
    readonly ruler: Ruler
  ) {}

  /** Write a text that never leaves its room; `middle` cuts it there, `end` puts its end at `x`. */
  write(
    name: string,
    text: string,
    x: number,
    y: number,
    room: number,
    face: Face,
    style: string,
    how: 'start' | 'end' | 'middle' = 'start'
  ): void {
    const shown = this.ruler.fit(text, room, face, how === 'middle');
    if ((this.#said.get(name) ?? '') === shown) {
      return;
    }
    this.#said.set(name, shown);
    let line = this.#kept.get(name);
    if (!line) {
      const faces = `${face.bold ? ' nbpipe-b' : ''}${face.mono ? ' nbpipe-mono' : ''}`;
      line = drawn('text', { x, y, 'font-size': face.pixels, class: `nbpipe-${style}${faces}` });
      if (how === 'end') {
        line.setAttribute('text-anchor', 'end');
      }
      this.keep(name, line);
    }
    line.textContent = shown;
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  keep(name: string, part: SVGElement): void {
    this.#kept.set(name, part);
    this.ground.append(part);
  }

  clear(): void {
    this.#kept.clear();
    this.#said.clear();
  }
}

/** Put a shape of 16 by 16 around the origin to a place, `pixels` wide. */
export function place(shape: SVGGElement, x: number, y: number, pixels: number): SVGGElement {
  const scale = pixels === 16 ? '' : ` scale(${pixels / 16})`;
  return drawn('g', { class: 'nbpipe-glyph', transform: `translate(${x} ${y})${scale}` }, shape);
}

const PLAIN: Pick<Look, 'border' | 'planned'> = { border: 'line', planned: true }; // a state of a later version
const BORDERS = { line: '', dashed: ' nbpipe-dashed', hue: ' nbpipe-own' };

/** A card's ground, border and rail; `stacked`: it stands for several. */
export function frame(
  { width, height }: { width: number; height: number },
  look: Pick<Look, 'border' | 'planned'> = PLAIN,
  radius = 8,
  stacked = false
): SVGElement[] {
  const below = stacked
    ? drawn('rect', { class: 'nbpipe-card', x: 5, y: 5, width, height, rx: radius })
    : drawn('rect', { class: 'nbpipe-shade', y: 1.5, width, height, rx: radius });
  const rail = `nbpipe-rail${look.planned ? ' nbpipe-dotted' : ''}`;
  return [
    below,
    drawn('rect', { class: `nbpipe-card${BORDERS[look.border]}`, width, height, rx: radius }),
    drawn('path', { class: rail, d: `M3 ${radius}V${height - radius}` })
  ];
}

/** The compute target, at the top right of a card. */
export function badge(target: string, right: number, ruler: Ruler): SVGGElement {
  const face = { pixels: 10 };
  const shown = ruler.fit(target, 110, face, true);
  const width = Math.ceil(ruler.width(shown, face)) + 28;
  const sign = drawn('g', { class: 'nbpipe-sign', transform: 'translate(12 9)' });
  sign.innerHTML = SCREEN_GLYPH; // a constant of ours
  return drawn(
    'g',
    { transform: `translate(${right - width} -9)` },
    drawn('rect', { class: 'nbpipe-card', width, height: 18, rx: 9 }),
    sign,
    drawn('text', { class: 'nbpipe-fg2', x: 20, y: 12.6, 'font-size': 10 }, shown)
  );
}

/** How far a step is; striped where that is a guess from history. Its width is set by `transform: scaleX`. */
export function bar(x: number, y: number, width: number, guessed: boolean): SVGPathElement {
  const line = drawn('path', { class: guessed ? 'nbpipe-bar nbpipe-guessed' : 'nbpipe-bar', d: `M${x} ${y}h${width}` });
  line.style.transformOrigin = `${x}px ${y}px`;
  return line;
}
