// The large card of a step, 300 by 150: ports, parameter values, the last metric and the last line it printed.

import { LOOKS } from '../../protocol';
import type { BoxCard, NodeCard } from '../../protocol';
import { drawn } from '../elements';
import { shape } from '../glyph';
import { ticking } from '../words';
import { badge, bar, frame, place, Words } from './pieces';
import { progressOf, timeOf, wordsOf } from './telling';
import type { Ruler } from './text';

export const LARGE = { width: 300, height: 150 };

const SIDES = [0.5, 0, 1]; // parts of what it is larger that lie before the smaller card

/** Where the large card covers a smaller one and none of the others: around its middle, else to a side; or null. */
export function enlarged({ x, y, width, height }: BoxCard, others: readonly BoxCard[]): BoxCard | null {
  const [across, down] = [LARGE.width - width, LARGE.height - height];
  const places = SIDES.flatMap(up => SIDES.map(left => ({ x: x - left * across, y: y - up * down, ...LARGE })));
  return places.find(each => others.every(other => areApart(each, other))) ?? null;
}

function areApart(one: BoxCard, other: BoxCard): boolean {
  const across = one.x + one.width < other.x || other.x + other.width < one.x;
  return across || one.y + one.height < other.y || other.y + other.height < one.y;
}

const ROWS = 3;
const PORT = { pixels: 10, mono: true };

/** The card as an SVG group with its corner at the origin. */
export function large(card: NodeCard, ruler: Ruler, now: number): SVGGElement {
  const look = LOOKS[card.status];
  const muted = look?.muted ? ' nbpipe-muted' : '';
  const group = drawn('g', { class: `nbpipe-large nbpipe-hue-${look?.hue ?? 'idle'}${muted}` });
  group.append(...frame(LARGE, look, 8), place(shape(card.status), 21, 20, 15));
  const words = new Words(group, ruler);
  const time = timeOf(card, now);
  const taken = time ? ruler.width(time, { pixels: 11 }) + 8 : 0;
  words.write('name', card.name, 37, 24.5, 251 - taken, { pixels: 13, bold: true }, 'fg', 'middle');
  words.write('time', time, 288, 24, 120, { pixels: 11 }, 'fg2', 'end');
  words.write('words', told(card, now), 37, 42, 200, { pixels: 11, bold: true }, 'word');
  words.write('key', card.key.slice(0, 6), 288, 42, 48, { pixels: 10, mono: true }, 'fg2', 'end');
  words.write('why', card.why, 12, 61, 276, { pixels: 10.5 }, 'fg2');
  ports(card, words, group);
  const said = card.last_line || (card.advice.split('\n')[0] ?? '');
  words.write('said', said, 12, 132, 276, { pixels: 9.5, mono: true }, 'fg2');
  const progress = progressOf(card, now);
  if (progress) {
    const line = bar(12, 143, 276, progress.guessed);
    line.style.transform = `scaleX(${progress.part.toFixed(4)})`;
    group.append(drawn('path', { class: 'nbpipe-track', d: 'M12 143H288' }), line);
  }
  if (card.target !== '') {
    group.append(badge(card.target, LARGE.width - 8, ruler));
  }
  return group;
}

/** The status words, and how long it will probably still take. */
function told(card: NodeCard, now: number): string {
  const { estimate, progress, started } = card;
  if (card.status !== 'running' || started === null) {
    return wordsOf(card);
  }
  const passed = Math.max(0, now - started);
  const whole = progress !== null && progress > 0.02 ? passed / progress : estimate;
  const left = whole === null ? 0 : whole - passed;
  return left >= 1 ? `${wordsOf(card)} · about ${ticking(left)} left` : wordsOf(card);
}

/** What goes in, with parameters, at the left; what comes out, with the last metric, at the right. */
function ports(card: NodeCard, words: Words, group: SVGGElement): void {
  const left = [
    ...card.inputs.map(each => each.name),
    ...card.parameters.map(each => `${each.name} = ${each.note}`)
  ];
  const right = card.outputs.map(each => (each.note ? `${each.name} · ${each.note}` : each.name));
  const metric = card.metric !== '' ? [card.metric] : [];
  const leftPorts = Math.min(left.length, ROWS);
  const rightPorts = Math.min(right.length, ROWS - metric.length);
  shortened(left, ROWS).forEach((text, row) => {
    words.write(`in ${row}`, text, 14, 81 + 17 * row, 134, PORT, 'fg', 'middle');
  });
  [...shortened(right, ROWS - metric.length), ...metric].forEach((text, row) => {
    const style = row < rightPorts ? 'fg' : 'fg2';
    words.write(`out ${row}`, text, 286, 81 + 17 * row, 134, PORT, style, 'end');
  });
  for (const [x, count] of [[0, leftPorts] as const, [LARGE.width, rightPorts] as const]) {
    for (let row = 0; row < count; row += 1) {
      group.append(drawn('circle', { class: 'nbpipe-port', cx: x, cy: 77.5 + 17 * row, r: 4 }));
    }
  }
}

function shortened(texts: readonly string[], most: number): string[] {
  return texts.length <= most ? [...texts] : [...texts.slice(0, most - 1), `+${texts.length - most + 1}`];
}
