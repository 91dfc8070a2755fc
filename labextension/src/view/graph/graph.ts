// The graph of a view with everything that belongs to it: drawing, gestures, keys, find, menu, minimap, large cards.

import type { ViewContext } from '../context';
import { copied } from '../inspector/copy';
import type { Change } from '../store';
import { Canvas } from './canvas';
import { emptyState } from './empty';
import { Find } from './find';
import { followGestures, stepAt } from './gestures';
import { followKeys } from './keys';
import { Menu } from './menu';
import { Minimap } from './minimap';
import { Ruler } from './text';
import { Tip } from './tip';

export class Graph {
  readonly element: HTMLElement;
  readonly #canvas: Canvas;
  readonly #find: Find;
  readonly #menu: Menu;
  readonly #tip: Tip;
  readonly #minimap: Minimap;
  readonly #watcher: ResizeObserver;
  #empty: HTMLElement | null = null;

  constructor(
    private readonly context: ViewContext,
    say: (line: string) => void
  ) {
    this.#canvas = new Canvas(context);
    this.element = this.#canvas.stage;
    this.#menu = new Menu(this.#canvas, context);
    this.#find = new Find(this.#canvas, context);
    this.#tip = new Tip(this.#canvas, context);
    this.#minimap = new Minimap(this.#canvas, context.store);
    followGestures(this.#canvas, context);
    followKeys(this.#canvas, context, { find: () => this.#find.open(), menu: id => this.#menu.open(id) });
    this.element.addEventListener('click', event => void this.#copyKey(event, say));
    this.#watcher = new ResizeObserver(entries => {
      const size = entries.at(-1)?.contentRect;
      if (size) {
        this.#canvas.resize(size.width, size.height);
      }
    });
    this.#watcher.observe(this.element);
  }

  /** Fonts or colours are others. */
  restyle(): void {
    const { fontFamily } = getComputedStyle(this.context.root);
    const mono = getComputedStyle(this.context.root).getPropertyValue('--nbpipe-mono');
    this.#canvas.restyle(new Ruler(fontFamily, mono || 'monospace'));
  }

  /** Something changed in the store. */
  hear(change: Change): void {
    const { head } = this.context.store;
    if (change.kind === 'graph') {
      this.#empty?.remove();
      this.#empty = head?.mode === 'empty' ? emptyState(head, this.context) : null;
      if (this.#empty) {
        this.element.append(this.#empty);
      }
    }
    this.#canvas.hear(change);
    if (change.kind === 'selection') {
      const box = this.#canvas.box(this.context.store.selection ?? '');
      if (box) {
        this.#canvas.view.reveal(box, true);
      }
    }
  }

  /** A second has passed. */
  tick(): void {
    this.#canvas.tick();
    this.#tip.tick();
  }

  fit(): void {
    this.#canvas.fit();
  }

  seek(): void {
    this.#find.toggle();
  }

  direction(): 'right' | 'down' {
    return this.#canvas.layout?.direction ?? 'right';
  }

  /** Put the focus on a step. */
  focus(id: string): void {
    this.#canvas.focus(id);
  }

  dispose(): void {
    this.#watcher.disconnect();
    this.#minimap.dispose();
    this.#tip.dispose();
    this.#menu.dispose();
    this.#canvas.dispose();
  }

  async #copyKey(event: MouseEvent, say: (line: string) => void): Promise<void> {
    const onKey = event.target instanceof Element && event.target.closest('.nbpipe-key') !== null;
    const key = onKey ? this.context.store.nodes.get(stepAt(event) ?? '')?.key : undefined;
    if (key) {
      say((await copied(key, this.element)) ? 'Fingerprint copied' : 'Not copied');
    }
  }
}
