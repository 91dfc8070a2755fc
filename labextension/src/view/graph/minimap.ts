// A small picture of the whole with a frame around what is seen, for graphs of more than 50 nodes seen in part.

import { LOOKS } from '../../protocol';
import { element } from '../elements';
import type { Store } from '../store';
import type { Canvas } from './canvas';

const FROM_NODES = 50;
const MOST = { width: 168, height: 104 };
const DOT = 2; // pixels that a card takes at least

/** Draws itself anew when the drawing or what is seen of it changes, once a frame at most. */
export class Minimap {
  readonly #picture = element('canvas', { class: 'minimap', attributes: { 'aria-hidden': 'true' } });
  #waiting = 0;
  readonly #stop: readonly (() => void)[];

  constructor(
    private readonly canvas: Canvas,
    private readonly store: Store
  ) {
    canvas.stage.append(this.#picture);
    this.#stop = [canvas.onMove(() => this.#soon()), store.listen(() => this.#soon())];
    this.#picture.addEventListener('pointerdown', event => {
      this.#picture.setPointerCapture(event.pointerId);
      this.#go(event);
    });
    this.#picture.addEventListener('pointermove', event => {
      if (event.buttons !== 0) {
        this.#go(event);
      }
    });
  }

  dispose(): void {
    this.#stop.forEach(each => each());
    window.cancelAnimationFrame(this.#waiting);
  }

  get #scale(): number {
    const { width, height } = this.canvas.view.drawing;
    return Math.min(MOST.width / Math.max(1, width), MOST.height / Math.max(1, height));
  }

  #go(event: PointerEvent): void {
    this.canvas.view.centre(event.offsetX / this.#scale, event.offsetY / this.#scale);
  }

  #soon(): void {
    if (this.#waiting === 0) {
      this.#waiting = window.requestAnimationFrame(() => {
        this.#waiting = 0;
        this.#draw();
      });
    }
  }

  #draw(): void {
    const { drawing, stage, scale, x, y } = this.canvas.view;
    const shown = this.store.nodes.size > FROM_NODES && drawing.width > 0 && !this.canvas.view.whole;
    this.#picture.hidden = !shown;
    const pen = shown ? this.#picture.getContext('2d') : null;
    if (!pen) {
      return;
    }
    const small = this.#scale;
    const dense = window.devicePixelRatio || 1;
    const [width, height] = [drawing.width * small, drawing.height * small];
    this.#picture.width = Math.ceil(width * dense);
    this.#picture.height = Math.ceil(height * dense);
    this.#picture.style.width = `${width}px`;
    this.#picture.style.height = `${height}px`;
    pen.scale(dense, dense);
    this.#drawCards(pen, small);
    pen.strokeStyle = this.#colour('run');
    pen.lineWidth = 1.5;
    const part = small / scale;
    pen.strokeRect(-x * part, -y * part, stage.width * part, stage.height * part);
  }

  #drawCards(pen: CanvasRenderingContext2D, small: number): void {
    const colours = new Map<string, string>();
    for (const { id, status } of this.store.nodes.values()) {
      const box = this.canvas.box(id);
      if (box) {
        const hue = LOOKS[status]?.hue ?? 'idle';
        const colour = colours.get(hue) ?? this.#colour(hue);
        colours.set(hue, colour);
        pen.fillStyle = colour;
        const [wide, high] = [Math.max(DOT, box.width * small), Math.max(DOT, box.height * small)];
        pen.fillRect(box.x * small, box.y * small, wide, high);
      }
    }
  }

  #colour(token: string): string {
    return getComputedStyle(this.#picture).getPropertyValue(`--nbpipe-${token}`).trim() || '#808080';
  }
}
