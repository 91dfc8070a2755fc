// What stands around the steps: data that no step makes, parameters, edges and the names on them.

import { DATA_GLYPH } from '../../protocol';
import type { BoxCard, DataCard, EdgeCard, LayoutCard, ParameterCard, TextCard } from '../../protocol';
import { drawn } from '../elements';
import { Words } from './pieces';
import type { Ruler } from './text';

const LABEL_ROOM = 110;
const NAME = { pixels: 10, mono: true };
const NOTE = { pixels: 9 };

/** Data that no step makes. */
export function pill(data: DataCard, box: BoxCard, size: LayoutCard['size'], ruler: Ruler): SVGGElement {
  const told = data.note ? `${data.name} · ${data.note}` : data.name;
  const group = drawn(
    'g',
    { class: 'nbpipe-pill', transform: `translate(${box.x} ${box.y})`, 'data-input': data.name },
    drawn('title', {}, told)
  );
  if (size === 'XS') {
    group.append(drum(8, 8, 0.8));
    return group;
  }
  const { width, height } = box;
  group.append(drawn('rect', { class: 'nbpipe-card', width, height, rx: height / 2 }));
  const words = new Words(group, ruler);
  const face = { pixels: 11, bold: true };
  if (size === 'S') {
    group.append(drum(15, 14, 0.65));
    words.write('name', data.name, 26, 18, width - 36, face, 'fg', 'middle');
  } else {
    group.append(drum(21, 22.5, 1));
    words.write('name', data.name, 36, data.note ? 21 : 27, width - 50, face, 'fg', 'middle');
    words.write('note', data.note, 36, 34, width - 50, NOTE, 'fg2');
  }
  return group;
}

function drum(x: number, y: number, scale: number): SVGGElement {
  const sign = drawn('g', { class: 'nbpipe-sign', transform: `translate(${x} ${y}) scale(${scale})` });
  sign.innerHTML = DATA_GLYPH; // a constant of ours
  return sign;
}

/** A pipeline parameter and its value. */
export function tag(parameter: ParameterCard, box: BoxCard, ruler: Ruler): SVGGElement {
  const { name, value } = parameter;
  const { width, height } = box;
  const group = drawn(
    'g',
    { class: 'nbpipe-tag', transform: `translate(${box.x} ${box.y})`, 'data-parameter': name },
    drawn('title', {}, `${name} = ${value}`),
    drawn('rect', { width, height, rx: 4 })
  );
  const words = new Words(group, ruler);
  const face = { pixels: 10.5, mono: true, bold: true };
  const shown = ruler.fit(value, Math.min(80, width - 40), face, true);
  words.write('value', shown, width - 10, 15, 80, face, 'fg', 'end');
  const room = width - 26 - ruler.width(shown, face);
  words.write('name', name, 10, 15, room, { pixels: 10.5, mono: true }, 'fg', 'middle');
  return group;
}

/** An edge's line and head; what it stands for is told by its class. */
export class Line {
  readonly line: SVGPathElement;
  readonly head: SVGPathElement;
  #state = '';

  constructor(id: string, layout: LayoutCard) {
    this.line = drawn('path', { d: layout.paths[id] ?? '', 'data-edge': id });
    this.head = drawn('path', { d: layout.heads[id] ?? '' });
  }

  /** Draw its state; `trail`: it lies on the way that is shown; `lit`: it does not fade. */
  draw(edge: EdgeCard, trail: boolean, lit: boolean): void {
    const light = `${trail ? ' nbpipe-trail' : ''}${lit ? ' nbpipe-lit' : ''}`;
    const state = `nbpipe-${edge.reading ? 'reading' : edge.state}${light}`;
    if (state !== this.#state) {
      this.#state = state;
      this.line.setAttribute('class', `nbpipe-edge ${state}`);
      this.head.setAttribute('class', `nbpipe-head ${state}`);
    }
  }
}

/** The names of the data on an edge, and what is known of them. */
export function label(edge: EdgeCard, at: TextCard, ruler: Ruler): SVGGElement {
  const lines = edge.labels.slice(0, 3).flatMap(each => [
    { text: each.name, face: NAME, style: 'fg' },
    { text: each.note, face: NOTE, style: 'fg2' }
  ]);
  if (edge.labels.length > 3) {
    lines.push({ text: `+${edge.labels.length - 3}`, face: NOTE, style: 'fg2' });
  }
  const shown = lines
    .filter(each => each.text !== '')
    .map(each => ({ ...each, text: ruler.fit(each.text, LABEL_ROOM, each.face, true) }));
  const width = Math.max(0, ...shown.map(each => ruler.width(each.text, each.face))) + 6;
  const height = 12 * shown.length;
  const group = drawn(
    'g',
    { class: 'nbpipe-label', transform: `translate(${at.x} ${at.y - height / 2})` },
    drawn('title', {}, edge.labels.map(each => (each.note ? `${each.name} · ${each.note}` : each.name)).join(', ')),
    drawn('rect', { x: -width / 2, width, height, rx: 4 })
  );
  shown.forEach(({ text, face, style }, row) => {
    const mono = face === NAME ? ' nbpipe-mono' : '';
    const place = { y: 12 * row + 9, 'font-size': face.pixels, 'text-anchor': 'middle' };
    group.append(drawn('text', { ...place, class: `nbpipe-${style}${mono}` }, text));
  });
  return group;
}
