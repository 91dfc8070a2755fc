// The large card of a step, shown beside it after the pointer has rested there for a while.

import type { ViewContext } from '../context';
import { drawn, element } from '../elements';
import type { Canvas } from './canvas';
import { stepAt } from './gestures';
import { LARGE, large } from './large';

const REST = 400; // milliseconds
const GAP = 10;
const EDGE = 12; // pixels around the card, for its badge and ports

export class Tip {
  readonly #place = element('div', { class: 'tip', attributes: { popover: 'manual', 'aria-hidden': 'true' } });
  #step: string | null = null;
  #timer = 0;
  readonly #stop: (() => void)[];

  constructor(
    private readonly canvas: Canvas,
    private readonly context: ViewContext
  ) {
    canvas.stage.append(this.#place);
    canvas.stage.addEventListener('pointerover', event => this.#over(event));
    canvas.stage.addEventListener('pointerleave', () => this.#hide());
    canvas.stage.addEventListener('pointerdown', () => this.#hide());
    const redraw = (change: { kind: string; nodes?: readonly string[] }): void => {
      if (change.kind === 'graph') {
        this.#hide();
      } else if (this.#step !== null && change.nodes?.includes(this.#step)) {
        this.#draw();
      }
    };
    this.#stop = [canvas.onMove(() => this.#forget()), context.store.listen(redraw)];
  }

  dispose(): void {
    this.#stop.forEach(each => each());
    this.#hide();
  }

  /** A second has passed. */
  tick(): void {
    if (this.#step !== null && this.context.store.nodes.get(this.#step)?.started !== null) {
      this.#draw();
    }
  }

  #over(event: PointerEvent): void {
    const id = stepAt(event);
    if (id === this.#step && id !== null) {
      return;
    }
    this.#hide();
    if (id !== null && this.canvas.form(id) !== 'L' && event.pointerType !== 'touch' && event.buttons === 0) {
      this.#timer = window.setTimeout(() => this.#show(id), REST);
    }
  }

  #hide(): void {
    window.clearTimeout(this.#timer);
    this.#forget();
  }

  #forget(): void {
    if (this.#step !== null) {
      this.#step = null;
      this.#place.hidePopover();
    }
  }

  #show(id: string): void {
    const card = this.canvas.card(id);
    if (!card?.isConnected) {
      return;
    }
    this.#step = id;
    this.#draw();
    this.#place.showPopover();
    const at = card.getBoundingClientRect();
    const [width, height] = [LARGE.width + 2 * EDGE, LARGE.height + 2 * EDGE];
    const below = at.bottom + GAP - EDGE;
    const above = at.top - height - GAP + EDGE;
    const top = below + height <= window.innerHeight || above < 0 ? below : above;
    const left = Math.min(Math.max(0, (at.left + at.right - width) / 2), window.innerWidth - width);
    this.#place.style.left = `${left}px`;
    this.#place.style.top = `${top}px`;
  }

  #draw(): void {
    const node = this.#step === null ? null : this.context.store.nodes.get(this.#step);
    if (node) {
      const card = large(node, this.canvas.ruler, Date.now() / 1000);
      card.setAttribute('transform', `translate(${EDGE} ${EDGE})`);
      const size = { width: LARGE.width + 2 * EDGE, height: LARGE.height + 2 * EDGE };
      this.#place.replaceChildren(drawn('svg', size, card));
    }
  }
}
