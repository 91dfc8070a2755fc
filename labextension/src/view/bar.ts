// Lines above the graph: what the kernel has to say with buttons, what is in the way, and what was refused.

import type { BarCard, ErrorCard } from '../protocol';
import type { ViewContext } from './context';
import { press } from './context';
import { button, element } from './elements';
import { icon } from './icons';

export class Bars {
  readonly element = element('div', { class: 'bars' });
  #told = '';

  constructor(private readonly context: ViewContext) {}

  /** Draw what the store holds now. */
  show(): void {
    const { head, notice } = this.context.store;
    const told = JSON.stringify([head?.bar, head?.problems, notice]);
    if (told !== this.#told) {
      this.#told = told;
      const lines = [
        ...(head?.bar ? [barLine(head.bar, this.context)] : []),
        ...(head?.problems ?? []).map(problemLine),
        ...(notice ? [this.#notice(notice)] : [])
      ];
      this.element.replaceChildren(...lines);
    }
  }

  #notice({ fact, place, remedy }: ErrorCard): HTMLElement {
    const away = { class: 'bar-away', title: 'Dismiss', attributes: { 'aria-label': 'Dismiss' } };
    return element(
      'div',
      { class: 'bar tint-fail', attributes: { role: 'alert' } },
      element(
        'div',
        { class: 'bar-text' },
        element('strong', {}, fact),
        place !== '' && element('div', { class: 'bar-place' }, place),
        remedy !== '' && element('div', { class: 'bar-remedy' }, remedy)
      ),
      button(icon('close'), { ...away, click: () => this.context.store.tell(null) })
    );
  }
}

/** A line with buttons; also for a page that has no graph to show. */
export function barLine(card: BarCard, context: ViewContext): HTMLElement {
  const buttons = card.buttons.map(each =>
    button(each.label, {
      class: 'button',
      title: each.title,
      click: () => press(context, each)
    })
  );
  return element(
    'div',
    { class: `bar tint-${card.hue}` },
    element('div', { class: 'bar-text' }, card.text),
    element('div', { class: 'bar-buttons' }, ...buttons)
  );
}

/** The first line is the fact; what follows is where, and what to do. */
function problemLine(problem: string): HTMLElement {
  const [fact = '', ...rest] = problem.split('\n');
  return element(
    'div',
    { class: 'bar tint-warn' },
    element(
      'div',
      { class: 'bar-text' },
      element('strong', {}, fact),
      rest.length > 0 && element('div', { class: 'bar-remedy' }, rest.join('\n'))
    )
  );
}
