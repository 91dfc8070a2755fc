// The tab History: earlier runs of a step; of any two of them, what differs.

import type { HistoryAnswer, HistoryItem, NodeCard } from '../../protocol';
import { element } from '../elements';
import { glyph } from '../glyph';
import { duration, when } from '../words';
import { Asking } from './asking';
import type { MakePane, Pane, PaneContext } from './pane';
import { stateOf } from './pane';
import { whyBody } from './why';

const MOST = 300; // runs that are drawn
const TICK = 30_000; // milliseconds after which "today" may have become "yesterday"

export const historyPane: MakePane = (place, context) => new History(place, context);

class History implements Pane {
  readonly #list = element('div', { class: 'items' });
  readonly #compared = element('div', { class: 'compared box', attributes: { 'aria-live': 'polite' } });
  readonly #asking: Asking;
  readonly #comparing: Asking;
  readonly #clock: number;
  readonly #times = new Map<HTMLElement, number>();
  #node: NodeCard | null = null;
  #items: readonly HistoryItem[] = [];
  #chosen: string[] = []; // runs, the one that was chosen first in front

  constructor(
    place: HTMLElement,
    private readonly context: PaneContext
  ) {
    this.#asking = new Asking(context.link, this.#list);
    this.#comparing = new Asking(context.link, this.#compared);
    this.#clock = window.setInterval(() => this.#times.forEach((time, each) => (each.textContent = when(time))), TICK);
    place.append(element('div', { class: 'sides' }, this.#list, this.#compared));
  }

  tells(node: NodeCard): string {
    return [stateOf(node), this.context.store.head?.run?.id].join('\n');
  }

  show(node: NodeCard): void {
    this.#node = node;
    this.#asking.ask('history', { step: node.id }, answer => this.#take(answer));
  }

  dispose(): void {
    window.clearInterval(this.#clock);
    this.#asking.end();
    this.#comparing.end();
  }

  #take({ items }: HistoryAnswer): void {
    this.#items = items.slice(0, MOST);
    this.#times.clear();
    const runs = new Set(this.#items.map(each => each.run));
    this.#chosen = this.#chosen.filter(each => runs.has(each));
    if (this.#chosen.length < 2) {
      this.#chosen = this.#items.slice(0, 2).map(each => each.run);
    }
    const none = element('p', { class: 'quiet' }, 'This step has not run yet.');
    const list = element('ul', { class: 'item-list', attributes: { 'aria-label': 'Runs' } });
    list.append(...this.#items.map(each => this.#item(each)));
    this.#list.replaceChildren(this.#items.length > 0 ? list : none);
    this.#compare();
  }

  #item(item: HistoryItem): HTMLElement {
    const box = element('input', { attributes: { type: 'checkbox' } });
    box.checked = this.#chosen.includes(item.run);
    box.dataset['run'] = item.run;
    box.addEventListener('change', () => this.#toggle(item.run));
    const time = element('span', { class: 'history-time' });
    if (item.time !== null) {
      time.textContent = when(item.time);
      this.#times.set(time, item.time);
    }
    const took = item.seconds === null ? '' : duration(item.seconds);
    const line = element('span', {}, `run ${item.run} · ${item.status}`, item.same && ' · as it is now');
    return element(
      'li',
      { attributes: { 'data-status': item.status.replaceAll(' ', '-') } },
      element(
        'label',
        { class: 'item', title: item.key },
        box,
        glyph(item.status),
        element('span', { class: 'history-what' }, line, element('span', { class: 'quiet' }, item.why)),
        element('span', { class: 'history-when quiet' }, time, element('span', {}, took))
      )
    );
  }

  /** Choose a run, or no longer; a third one takes the place of the first. */
  #toggle(run: string): void {
    const without = this.#chosen.filter(each => each !== run);
    this.#chosen = without.length < this.#chosen.length ? without : [...this.#chosen, run].slice(-2);
    for (const box of this.#list.querySelectorAll('input')) {
      box.checked = this.#chosen.includes(box.dataset['run'] ?? '');
    }
    this.#compare();
  }

  #compare(): void {
    const runs = this.#items.map(each => each.run);
    const [run, other] = runs.filter(each => this.#chosen.includes(each)); // the newer one first
    this.#compared.hidden = this.#items.length < 2;
    if (run === undefined || other === undefined) {
      this.#comparing.end();
      this.#compared.replaceChildren(element('p', { class: 'quiet' }, 'Choose two runs to see what differs.'));
      return;
    }
    const args = { step: this.#node?.id ?? '', run, other };
    this.#comparing.ask('compare', args, answer => {
      const head = element('h4', {}, `Run ${run} compared with run ${other}`);
      this.#compared.replaceChildren(head, whyBody(answer, this.context));
    });
  }
}
