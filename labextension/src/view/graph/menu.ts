// The buttons on the selected step, and the menu of any step.

import type { ViewContext } from '../context';
import { button, element } from '../elements';
import type { Canvas } from './canvas';
import { deedsFor } from './deeds';
import type { Deed } from './deeds';
import { icon } from '../icons';
import { stepAt } from './gestures';

const HEIGHT = 22; // of the buttons on a step, in pixels
const WIDTH = 64;

export class Menu {
  readonly #list = element('div', { class: 'menu', attributes: { popover: 'auto', role: 'menu' } });
  readonly #buttons = element('div', { class: 'on-step', attributes: { role: 'group' } });
  readonly #stop: readonly (() => void)[];
  #step: string | null = null;

  constructor(
    private readonly canvas: Canvas,
    private readonly context: ViewContext
  ) {
    canvas.stage.append(this.#buttons, this.#list);
    canvas.stage.addEventListener('contextmenu', event => {
      const id = stepAt(event);
      if (id !== null) {
        event.preventDefault();
        event.stopPropagation(); // the host has a menu of its own
        this.open(id, { x: event.clientX, y: event.clientY });
      }
    });
    this.#list.addEventListener('keydown', event => this.#key(event));
    this.#stop = [canvas.onMove(() => this.#place()), context.store.listen(() => this.#show())];
  }

  /** Open the menu of a step, at a place or below it. */
  open(id: string, at?: { x: number; y: number }): void {
    const node = this.context.store.nodes.get(id);
    const card = this.canvas.card(id);
    if (!node || !card) {
      return;
    }
    this.#step = id;
    const items = deedsFor(node, this.context).map(each => this.#item(each));
    this.#list.setAttribute('aria-label', node.name);
    this.#list.replaceChildren(...items);
    this.#list.showPopover();
    const box = card.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#list;
    const [x, y] = [at?.x ?? box.left + 12, at?.y ?? box.bottom + 4];
    this.#list.style.left = `${Math.max(4, Math.min(x, window.innerWidth - width - 4))}px`;
    this.#list.style.top = `${Math.max(4, Math.min(y, window.innerHeight - height - 4))}px`;
    items[0]?.focus({ preventScroll: true });
  }

  dispose(): void {
    this.#stop.forEach(each => each());
  }

  #item({ label, title, act }: Deed): HTMLButtonElement {
    const click = (): void => {
      this.#list.hidePopover();
      act();
    };
    return button(label, { class: 'menu-item', title, attributes: { role: 'menuitem', tabindex: '-1' }, click });
  }

  #key(event: KeyboardEvent): void {
    const items = [...this.#list.querySelectorAll<HTMLElement>('[role=menuitem]')];
    const here = items.findIndex(each => each === document.activeElement);
    const last = items.length - 1;
    const there = { ArrowDown: here === last ? 0 : here + 1, ArrowUp: here <= 0 ? last : here - 1, Home: 0, End: last };
    const next = there[event.key as keyof typeof there] as number | undefined;
    event.stopPropagation();
    if (next !== undefined) {
      event.preventDefault();
      items[next]?.focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      this.#list.hidePopover();
      this.canvas.focus(this.#step ?? '');
    }
  }

  /** Show the buttons of the selected step. */
  #show(): void {
    const node = this.context.store.selected;
    this.#buttons.hidden = node === null;
    if (!node) {
      return;
    }
    const first = deedsFor(node, this.context)[0];
    const told = `${first?.label ?? ''}|${node.id}`;
    if (this.#buttons.dataset['told'] !== told) {
      this.#buttons.dataset['told'] = told;
      this.#buttons.setAttribute('aria-label', `Buttons of ${node.name}`);
      this.#buttons.replaceChildren(...this.#made(node.id, first));
    }
    this.#place();
  }

  #made(id: string, first: Deed | undefined): HTMLElement[] {
    const more = button(icon('more'), {
      class: 'small-button',
      title: 'More',
      attributes: { 'aria-label': 'More', 'aria-haspopup': 'menu' },
      click: () => {
        const at = more.getBoundingClientRect();
        this.open(id, { x: at.left, y: at.bottom + 4 });
      }
    });
    if (!first) {
      return [more];
    }
    const wish = {
      class: 'small-button',
      title: first.title === '' ? first.label : `${first.label}: ${first.title}`,
      attributes: { 'aria-label': first.label },
      click: first.act
    };
    return [button(icon(first.sign), wish), more];
  }

  /** Put the buttons on the lower border of the selected step, where no text stands. */
  #place(): void {
    const id = this.context.store.selection;
    const box = id === null ? null : this.canvas.box(id);
    if (!box) {
      return;
    }
    const { x, y, scale, stage } = this.canvas.view;
    const left = x + (box.x + box.width) * scale - WIDTH;
    const top = y + (box.y + box.height) * scale - HEIGHT / 2;
    const seen = left + WIDTH > 0 && left < stage.width && top + HEIGHT > 0 && top < stage.height;
    this.#buttons.classList.toggle('nbpipe-out', !seen);
    this.#buttons.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
}
