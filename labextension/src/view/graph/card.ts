// One step as it stands in the graph, in the sizes M, S and XS; what did not change is not drawn again.

import { LOOKS } from '../../protocol';
import type { BoxCard, NodeCard } from '../../protocol';
import { drawn } from '../elements';
import { shape } from '../glyph';
import { large } from './large';
import { bar, badge, frame, place, Words } from './pieces';
import { labelOf, progressOf, timeOf, wordsOf } from './telling';
import type { Ruler } from './text';

/** `far` is a card of any size seen from so far away that only its glyph can be read; `away` one out of sight. */
export type Form = 'L' | 'M' | 'S' | 'XS' | 'far' | 'away';

/** A step as it is shown: its card, with the host's marks on it. */
export interface Shown {
  readonly card: NodeCard;
  /** True where the cell of a step upstream was edited since it was registered. */
  readonly stale: boolean;
  readonly selected: boolean;
}

/** The drawing of one step. */
export class Card {
  readonly element: SVGGElement;
  /** What has the focus and a name: beside the texts, not around them, so that its name says all of them. */
  readonly button = drawn('rect', { class: 'nbpipe-hit', role: 'button', tabindex: -1 });
  readonly body = drawn('g', { class: 'nbpipe-body', 'aria-hidden': 'true' });
  readonly #words: Words;
  #progress: SVGElement | null = null;
  form: Form = 'away';
  #drawnAs = '';
  #stale = false;

  constructor(id: string, ruler: Ruler) {
    this.#words = new Words(this.body, ruler);
    this.element = drawn('g', { 'data-step': id }, this.body, this.button);
  }

  /** Draw what is new about it; `ground` is where it is drawn, `box` where it stands. */
  draw(shown: Shown, box: BoxCard, ground: BoxCard, form: Form, now: number): void {
    const { card, stale, selected } = shown;
    this.#stale = stale;
    this.form = form;
    const here = { ...ground, x: ground.x - box.x, y: ground.y - box.y };
    const as = [form, card.status, ...Object.values(here), card.target, card.members.length, stale, selected];
    as.push(card.before, card.key !== '', progressOf(card, now)?.guessed ?? '');
    as.push(card.members.length > 0 ? JSON.stringify(card.counts) : '');
    const key = as.join('|');
    if (key !== this.#drawnAs) {
      this.#drawnAs = key;
      this.#outline(shown, here, form);
    }
    this.button.setAttribute('aria-label', labelOf(card, stale));
    this.button.setAttribute('aria-pressed', String(selected));
    this.tick(card, now);
    if (form === 'S') {
      this.#words.write('name', card.name, 31, 18.2, stale ? 68 : 82, { pixels: 12, bold: true }, 'fg', 'middle');
    }
  }

  /** Write what is new of it: called, too, when a second has passed and it runs. */
  tick(card: NodeCard, now: number): void {
    if (this.form === 'M') {
      this.#medium(card, now);
    } else if (this.form === 'L') {
      const inner = large(card, this.#words.ruler, now);
      inner.setAttribute('transform', `translate(${this.button.getAttribute('x')} ${this.button.getAttribute('y')})`);
      this.body.lastElementChild?.replaceWith(inner);
    }
  }

  #outline(shown: Shown, box: BoxCard, form: Form): void {
    const { card, selected } = shown;
    const look = LOOKS[card.status];
    const muted = look?.muted ? ' nbpipe-muted' : '';
    this.element.setAttribute('class', `nbpipe-node nbpipe-hue-${look?.hue ?? 'idle'} nbpipe-form-${form}${muted}`);
    this.element.setAttribute('data-status', card.status.replaceAll(' ', '-'));
    for (const [name, value] of Object.entries(box)) {
      this.button.setAttribute(name, String(value));
    }
    this.#words.clear();
    this.#progress = null;
    const around = selected ? [ring(box, form === 'XS' ? 8 : 11)] : [];
    this.body.replaceChildren(...around, ...this.#inside(shown, box, form));
  }

  /** What is in the outline, but for the texts; out of sight nothing is. */
  #inside(shown: Shown, box: BoxCard, form: Form): SVGElement[] {
    const { status, members } = shown.card;
    const stacked = members.length > 0;
    if (form === 'away') {
      return [];
    }
    if (form === 'L') {
      return [drawn('g')]; // whose place the large card takes
    }
    if (form === 'XS') {
      const below = stacked ? [drawn('circle', { class: 'nbpipe-stack', cx: 8, cy: 8, r: 11 })] : [];
      return [...below, place(shape(status), 8, 8, 16)];
    }
    return [...frame(box, LOOKS[status], form === 'S' ? 6 : 8, stacked), ...this.#signs(shown, box, form)];
  }

  #signs({ card, stale }: Shown, box: BoxCard, form: 'M' | 'S' | 'far'): SVGElement[] {
    if (form === 'far') {
      return [place(shape(card.status), box.width / 2 + 1.5, box.height / 2, Math.min(36, box.height - 4))];
    }
    const small = form === 'S';
    const signs = [small ? place(shape(card.status), 18, 14, 12) : place(shape(card.status), 21, 20, 15)];
    if (card.target !== '' && !small) {
      signs.push(badge(card.target, box.width - 8, this.#words.ruler));
    }
    if (stale) {
      const pencil = drawn('g', { class: 'nbpipe-hue-warn' }, place(shape('edited'), 0, 0, 11));
      pencil.setAttribute('transform', small ? 'translate(108 14)' : 'translate(182 38)');
      signs.push(pencil);
    }
    if (card.members.length > 0) {
      signs.push(strip(card.counts, 12, box.height - (small ? 3.5 : 6), box.width - 24));
    }
    return signs;
  }

  #medium(card: NodeCard, now: number): void {
    const time = timeOf(card, now);
    const taken = time ? this.#words.ruler.width(time, { pixels: 11 }) + 8 : 0;
    const name = { pixels: 13, bold: true };
    this.#words.write('name', card.name, 37, 24.5, 151 - taken, name, 'fg', 'middle');
    this.#words.write('time', time, 188, 24, 100, { pixels: 11 }, 'fg2', 'end');
    const aside = this.#aside(card);
    this.#words.write('words', wordsOf(card), 37, 42, 151 - aside, { pixels: 11, bold: true }, 'word');
    this.#words.write('why', card.why, 12, 61, 178, { pixels: 10.5 }, 'fg2');
    const progress = progressOf(card, now);
    if (progress) {
      if (!this.#progress) {
        const track = drawn('path', { class: 'nbpipe-track', d: 'M12 70.5H188' });
        this.#progress = bar(12, 70.5, 176, progress.guessed);
        this.body.append(track, this.#progress);
      }
      this.#progress.style.transform = `scaleX(${progress.part.toFixed(4)})`;
    }
  }

  /** What stands at the right of the status word, and the room that it takes. */
  #aside(card: NodeCard): number {
    if (this.#stale) {
      return 20;
    }
    const planned = LOOKS[card.status]?.planned ?? true;
    if (planned && card.before !== '') {
      if (!this.#words.has('before')) {
        const hue = LOOKS[card.before]?.hue ?? 'idle';
        const last = drawn('g', { class: `nbpipe-hue-${hue}`, transform: 'translate(182 38)' });
        last.append(place(shape(card.before), 0, 0, 11));
        this.#words.keep('before', last);
      }
      return 20;
    }
    this.#words.write('key', card.key.slice(0, 6), 188, 42, 44, { pixels: 10, mono: true }, 'fg2 nbpipe-key', 'end');
    return card.key !== '' ? 46 : 0;
  }
}

function ring({ x, y, width, height }: BoxCard, rx: number): SVGRectElement {
  return drawn('rect', { class: 'nbpipe-chosen', x: x - 4, y: y - 4, width: width + 8, height: height + 8, rx });
}

/** How many of a group's steps have each status, as one line in their hues. */
function strip(counts: Readonly<Record<string, number>>, x: number, y: number, width: number): SVGGElement {
  const line = drawn('g', { class: 'nbpipe-strip' });
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  let at = x;
  for (const [word, count] of Object.entries(counts)) {
    const part = (width * count) / Math.max(1, total);
    const hue = `nbpipe-hue-${LOOKS[word]?.hue ?? 'idle'}`;
    line.append(drawn('rect', { class: hue, x: at, y, width: Math.max(0, part - 1), height: 2.5, rx: 1 }));
    at += part;
  }
  return line;
}
