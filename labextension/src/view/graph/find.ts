// The find box: what does not match fades, Enter goes from match to match.

import type { ViewContext } from '../context';
import { button, element } from '../elements';
import { icon } from '../icons';
import type { Canvas } from './canvas';

export class Find {
  readonly #field = element('input', {
    class: 'find-field',
    attributes: { type: 'text', placeholder: 'Find a step', 'aria-label': 'Find a step', spellcheck: 'false' }
  });
  readonly #told = element('span', { class: 'find-told', attributes: { 'aria-live': 'polite' } });
  readonly #box: HTMLElement;
  #place = -1;

  constructor(
    private readonly canvas: Canvas,
    private readonly context: ViewContext
  ) {
    const aside = (name: 'up' | 'next' | 'close', title: string, click: () => void): HTMLButtonElement =>
      button(icon(name), { class: 'find-button', title, attributes: { 'aria-label': title }, click });
    this.#box = element(
      'div',
      { class: 'find-step', attributes: { role: 'search' } },
      this.#field,
      this.#told,
      aside('up', 'Previous match', () => this.#go(-1)),
      aside('next', 'Next match', () => this.#go(1)),
      aside('close', 'Close', () => this.#close())
    );
    this.#box.hidden = true;
    canvas.stage.append(this.#box);
    this.#field.addEventListener('input', () => this.#seek());
    this.#box.addEventListener('keydown', event => this.#key(event));
  }

  /** Open the box, or close it. */
  toggle(): void {
    if (this.#box.hidden) {
      this.open();
    } else {
      this.#close();
    }
  }

  open(): void {
    this.#box.hidden = false;
    this.#field.focus();
    this.#field.select();
    this.#seek();
  }

  #close(): void {
    const focused = this.#matches()[this.#place];
    this.#box.hidden = true;
    this.#place = -1;
    this.context.store.seek('');
    this.canvas.focus(focused ?? this.context.store.selection ?? '');
  }

  #matches(): string[] {
    const words = this.#field.value.trim().toLowerCase();
    const nodes = words === '' ? [] : [...this.context.store.nodes.values()];
    return nodes.filter(each => each.name.toLowerCase().includes(words)).map(each => each.id);
  }

  #seek(): void {
    this.context.store.seek(this.#field.value);
    this.#place = -1;
    const found = this.#matches().length;
    const many = found === 0 ? 'no match' : found === 1 ? '1 match' : `${found} matches`;
    this.#told.textContent = this.#field.value.trim() === '' ? '' : many;
  }

  #go(way: 1 | -1): void {
    const found = this.#matches();
    if (found.length === 0) {
      return;
    }
    this.#place = (this.#place + way + (this.#place < 0 && way < 0 ? 1 : 0) + found.length) % found.length;
    const id = found[this.#place] ?? null;
    const box = id === null ? null : this.canvas.box(id);
    if (id !== null && box) {
      this.canvas.view.reveal(box, true);
      this.context.store.select(id);
      this.#told.textContent = `${this.#place + 1} of ${found.length}`;
    }
  }

  #key(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === 'Enter' && event.target === this.#field) {
      event.preventDefault();
      this.#go(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.#close();
    }
  }
}
