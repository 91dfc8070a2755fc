// How many steps have each status: the legend of the graph, and its filter.

import { LOOKS } from '../protocol';
import type { ViewContext } from './context';
import { button, element } from './elements';
import { glyph } from './glyph';
import { duration } from './words';

export class Chips {
  readonly element = element('div', { class: 'chips' });
  readonly #legend = element('div', {
    class: 'legend',
    attributes: { role: 'group', 'aria-label': 'Show only steps of these states' }
  });
  readonly #groups: HTMLButtonElement;
  readonly #saved = element('span', { class: 'saved' });
  #told = '';

  constructor(private readonly context: ViewContext) {
    this.#groups = button('Close groups', { class: 'status-chip', click: () => context.store.closeGroups() });
    this.element.append(this.#legend, this.#groups, this.#saved);
  }

  /** Draw what the store holds now. */
  show(): void {
    const { store } = this.context;
    const { counts } = store;
    this.#draw(counts);
    const saved = store.head?.saved ?? 0;
    this.#saved.textContent = saved > 0 ? `saved by reuse: ${duration(saved)}` : '';
    this.#groups.hidden = store.open.size === 0;
    this.element.hidden = counts.size === 0;
  }

  #draw(counts: ReadonlyMap<string, number>): void {
    const { filter } = this.context.store;
    const told = JSON.stringify([[...counts], [...filter]]);
    if (told === this.#told) {
      return;
    }
    this.#told = told;
    const words = [...Object.keys(LOOKS), ...counts.keys()];
    const shown = [...new Set(words)].filter(each => counts.has(each));
    const focused = this.#legend.contains(document.activeElement) ? document.activeElement : null;
    const word = focused?.getAttribute('data-word');
    const chips = shown.map(each => this.#chip(each, counts.get(each) ?? 0));
    this.#legend.replaceChildren(...chips);
    chips.find(each => word !== undefined && each.dataset['word'] === word)?.focus({ preventScroll: true });
  }

  #chip(word: string, count: number): HTMLElement {
    const pressed = this.context.store.filter.has(word);
    const wish = {
      class: `status-chip tint-${LOOKS[word]?.hue ?? 'idle'}`,
      title: pressed ? 'Show all again' : `Show only what is ${word}`,
      attributes: { 'aria-pressed': String(pressed), 'data-word': word },
      click: (): void => this.context.store.toggleFilter(word)
    };
    return button(glyph(word, 13), wish, `${count} ${word}`);
  }
}
