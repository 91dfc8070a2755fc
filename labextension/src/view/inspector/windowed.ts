// A list of any length of which only the visible rows are in the page.

import { element } from '../elements';

export interface WindowedWish {
  /** Height of every row, in pixels. */
  readonly rowHeight: number;
  readonly label: string;
  /** The element of a row, from 0; asked again once the row was `renewed`. */
  row(index: number): HTMLElement;
  /** These rows (the last one excluded) are about to be drawn. */
  visible?(first: number, last: number): void;
  /** The user moved: to the end, or away from it. */
  moved?(toEnd: boolean): void;
}

/** Browsers cap the height of an element, Firefox near 17 million pixels: beyond this, the scroll bar is a scale. */
const TALLEST = 8_000_000;
const RESTING = 200; // milliseconds without a scroll event

/** Scrolls by pixels where the list is short; in a longer one, small moves go by pixels and large ones by the scale. */
export class Windowed {
  readonly element: HTMLElement;
  readonly #spacer = element('div', { class: 'rows-spacer' });
  readonly #layer = element('div', { class: 'rows-layer' });
  readonly #drawn = new Map<number, HTMLElement>();
  readonly #watcher = new ResizeObserver(() => this.#draw());
  #rows = 0;
  #top = 0; // pixels above the view, were the list as tall as it is
  #known = 0; // the scroll bar's last known place
  #characters = 0;
  #frame = 0;
  #rest = 0;

  constructor(private readonly wish: WindowedWish) {
    const attributes = { tabindex: '0', role: 'region', 'aria-label': wish.label };
    this.element = element('div', { class: 'rows', attributes }, this.#layer, this.#spacer);
    this.element.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.element.addEventListener('keydown', event => this.#keyed(event));
    this.#watcher.observe(this.element);
  }

  get count(): number {
    return this.#rows;
  }

  /** Set how many rows there are; keeps the place. */
  set count(rows: number) {
    if (rows !== this.#rows) {
      this.#rows = rows;
      this.#spacer.style.height = `${Math.min(TALLEST, this.#tall)}px`;
      this.#moveTo(this.#top);
    }
  }

  get atEnd(): boolean {
    return this.#top >= this.#furthest - this.wish.rowHeight;
  }

  /** The first row in view, from 0. */
  get first(): number {
    return Math.floor(this.#top / this.wish.rowHeight);
  }

  /** Bring a row into view, `before` rows below the upper edge. */
  goTo(index: number, before = 2): void {
    this.#moveTo((index - before) * this.wish.rowHeight);
  }

  /** Leave room for rows of so many characters, so that scrolling sideways is not cut short by shorter rows. */
  widen(characters: number): void {
    if (characters > this.#characters) {
      this.#characters = characters;
      this.#layer.style.minWidth = `${characters}ch`;
    }
  }

  goToEnd(): void {
    this.#moveTo(this.#furthest);
  }

  /** Whether a row is in view as a whole. */
  shows(index: number): boolean {
    const above = index * this.wish.rowHeight - this.#top;
    return above >= 0 && above + this.wish.rowHeight <= this.element.clientHeight;
  }

  /** Make rows anew, the last one excluded; all where none are named. */
  renew(first = 0, last = Infinity): void {
    for (const index of this.#drawn.keys()) {
      if (index >= first && index < last) {
        this.#drawn.delete(index);
      }
    }
    this.#draw();
  }

  dispose(): void {
    this.#watcher.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#rest);
  }

  get #tall(): number {
    return this.#rows * this.wish.rowHeight;
  }

  get #furthest(): number {
    return Math.max(0, this.#tall - this.element.clientHeight);
  }

  /** The scroll bar's way. */
  get #way(): number {
    return Math.max(0, Math.min(TALLEST, this.#tall) - this.element.clientHeight);
  }

  get #scale(): number {
    return this.#way === 0 ? 1 : this.#furthest / this.#way;
  }

  #moveTo(top: number): void {
    this.#top = Math.max(0, Math.min(top, this.#furthest));
    this.#place();
    this.#draw();
  }

  /** Put the scroll bar where it belongs. */
  #place(): void {
    this.element.scrollTop = this.#top / this.#scale;
    this.#known = this.element.scrollTop;
  }

  #scrolled(): void {
    const now = this.element.scrollTop;
    const moved = now - this.#known;
    if (moved === 0) {
      return; // sideways, or our own doing
    }
    this.#known = now;
    const atEnd = now >= this.#way - 1;
    this.#top = Math.max(0, Math.min(this.#target(now, moved, atEnd), this.#furthest));
    if (this.#scale > 1) {
      clearTimeout(this.#rest);
      this.#rest = window.setTimeout(() => this.#place(), RESTING);
    }
    this.#draw();
    // a list that grew taller is moved by the browser, but stays at its end
    this.wish.moved?.(atEnd || (moved > 0 && this.atEnd));
  }

  /** Where a move of the scroll bar leads. */
  #target(now: number, moved: number, atEnd: boolean): number {
    const small = Math.abs(moved) < 2 * this.element.clientHeight;
    const bySteps = this.#scale > 1 && small && now > 0 && !atEnd;
    return bySteps ? this.#top + moved : now * this.#scale;
  }

  #keyed(event: KeyboardEvent): void {
    const page = this.element.clientHeight - this.wish.rowHeight;
    const steps: Record<string, number> = {
      ArrowDown: this.wish.rowHeight,
      ArrowUp: -this.wish.rowHeight,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity
    };
    const step = steps[event.key];
    if (step === undefined || event.target !== this.element || event.altKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.#moveTo(this.#top + step);
    this.wish.moved?.(step > 0 && this.atEnd);
  }

  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  #render(): void {
    const height = this.element.clientHeight;
    const { rowHeight } = this.wish;
    this.#top = Math.min(this.#top, this.#furthest);
    const first = this.first;
    const last = height === 0 ? first : Math.min(this.#rows, Math.ceil((this.#top + height) / rowHeight));
    this.wish.visible?.(first, last);
    this.#layer.style.height = `${height}px`;
    this.#layer.style.marginBottom = `${-height}px`; // it lies over the spacer and adds nothing to it
    for (const [index, row] of this.#drawn) {
      if (index < first || index >= last) {
        row.remove();
        this.#drawn.delete(index);
      }
    }
    let next = this.#layer.firstElementChild;
    for (let index = first; index < last; index++) {
      const row = this.#drawn.get(index) ?? this.wish.row(index);
      this.#drawn.set(index, row);
      row.style.transform = `translateY(${index * rowHeight - this.#top}px)`;
      if (row === next) {
        next = next.nextElementSibling;
      } else {
        this.#layer.insertBefore(row, next); // rows that stay are not moved: a selection in them lasts
      }
    }
    while (next !== null) {
      const gone = next;
      next = next.nextElementSibling;
      gone.remove();
    }
  }
}
