// The pane below the graph: as high as the user dragged it, for as long as the page lives.

import { element } from './elements';

const USUAL = 266; // pixels
const LEAST = 120;
const MOST = 900;
const STEP = 24;

let remembered = USUAL;

export class Split {
  readonly element = element('div', { class: 'pane-frame' });
  /** Where the inspector is mounted. */
  readonly place = element('div');
  readonly #handle = element('div', {
    class: 'handle',
    title: 'Drag to resize',
    attributes: {
      role: 'separator',
      tabindex: '0',
      'aria-orientation': 'horizontal',
      'aria-label': 'Height of the inspector',
      'aria-valuemin': String(LEAST),
      'aria-valuemax': String(MOST)
    }
  });

  constructor() {
    this.element.append(this.#handle, this.place);
    this.element.hidden = true;
    this.#handle.addEventListener('pointerdown', event => this.#drag(event));
    this.#handle.addEventListener('dblclick', () => this.#size(USUAL));
    this.#handle.addEventListener('keydown', event => {
      const way = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
      if (way !== undefined) {
        event.preventDefault();
        event.stopPropagation();
        this.#size(remembered + way);
      }
    });
  }

  /** Show the pane, or hide it. */
  show(shown: boolean): void {
    this.element.hidden = !shown;
    if (shown) {
      this.#size(remembered);
    }
  }

  #size(height: number): void {
    remembered = Math.round(Math.min(MOST, Math.max(LEAST, height)));
    this.element.style.height = `${remembered}px`;
    this.#handle.setAttribute('aria-valuenow', String(remembered));
  }

  #drag(event: PointerEvent): void {
    const start = event.clientY;
    const before = remembered;
    // Below a cell the pane grows downwards, as the page does; in a panel it takes from the graph above it.
    const way = this.element.closest('[data-hosted=cell]') ? 1 : -1;
    const move = (moved: PointerEvent): void => this.#size(before + way * (moved.clientY - start));
    this.#handle.setPointerCapture(event.pointerId);
    this.#handle.addEventListener('pointermove', move);
    this.#handle.addEventListener('lostpointercapture', () => this.#handle.removeEventListener('pointermove', move), {
      once: true
    });
    event.preventDefault();
  }
}
