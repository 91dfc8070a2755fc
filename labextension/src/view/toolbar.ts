// The first line of a view: which pipeline and run, how far it is, and the buttons.

import { LOOKS, SETTLED } from '../protocol';
import type { HeadCard, NodeCard } from '../protocol';
import type { ViewContext } from './context';
import { press } from './context';
import { button, element } from './elements';
import { icon } from './icons';
import { duration, ticking } from './words';

const MOST_SEGMENTS = 40;

/** What the toolbar does to the graph beside it. */
export interface GraphActions {
  find(): void;
  fit(): void;
  direction(): 'right' | 'down';
}

export class Toolbar {
  readonly element = element('div', { class: 'toolbar' });
  readonly #name = element('span', { class: 'pipeline-name' });
  readonly #time = element('span', { class: 'run-time' });
  readonly #segments = element('div', { class: 'segments', attributes: { 'aria-hidden': 'true' } });
  readonly #summary = element('span', { class: 'summary' });
  readonly #primary: HTMLButtonElement;
  readonly #stop: HTMLButtonElement;
  readonly #turn: HTMLButtonElement;
  readonly #fold: HTMLButtonElement;

  constructor(
    private readonly context: ViewContext,
    private readonly graph: GraphActions
  ) {
    const { store } = context;
    this.#primary = button('', { class: 'button button-main', click: () => this.run() });
    const stop = (): void => press(context, { verb: 'stop', args: { step: '' } });
    this.#stop = button(icon('stop'), { class: 'button', title: 'Stop the run', click: stop }, 'Stop');
    const tool = (sign: 'find' | 'fit' | 'right' | 'fold', title: string, click: () => void): HTMLButtonElement =>
      button(icon(sign), { class: 'button button-sign', title, attributes: { 'aria-label': title }, click });
    const turned = (): 'right' | 'down' => (this.graph.direction() === 'right' ? 'down' : 'right');
    this.#turn = tool('right', 'Turn the graph', () => store.turn(turned()));
    this.#fold = tool('fold', 'Fold what is settled', () => store.fold(store.collapse === '' ? 'settled' : ''));
    const find = button('Find', { class: 'button', title: 'Find a step (/)', click: () => this.graph.find() });
    const fit = button('Fit', { class: 'button', title: 'Show the whole graph (0)', click: () => this.graph.fit() });
    this.element.append(
      element('div', { class: 'titles' }, this.#name, this.#time),
      element('div', { class: 'progress' }, this.#segments, this.#summary),
      element('div', { class: 'buttons' }, this.#primary, this.#stop, find, fit, this.#turn, this.#fold)
    );
  }

  /** Press the primary button. */
  run(): void {
    const head = this.context.store.head;
    if (head) {
      press(this.context, head.primary);
    }
  }

  /** Draw what the store holds now. */
  show(): void {
    const { store } = this.context;
    const head = store.head;
    if (!head) {
      return;
    }
    this.#name.textContent = this.#name.title = head.pipeline;
    const said = head.bar?.text === head.summary ? '' : head.summary;
    this.#summary.textContent = this.#summary.title = said;
    this.#buttons(head);
    const nodes = [...store.nodes.values()];
    const single = nodes.every(node => node.members.length === 0);
    this.#segments.replaceChildren(...(single && nodes.length <= MOST_SEGMENTS ? each(nodes) : summed(store.counts)));
    this.tick();
  }

  /** A second has passed. */
  tick(): void {
    const { head, headTime } = this.context.store;
    this.#time.textContent = head ? timeLine(head, Date.now() / 1000, headTime) : '';
  }

  #buttons(head: HeadCard): void {
    const { label, title, verb } = head.primary;
    const off = verb === '';
    this.#primary.replaceChildren(...(verb === 'run' ? [icon('play')] : []), label);
    this.#primary.title = title;
    this.#primary.disabled = off;
    this.#primary.hidden = label === '';
    this.#stop.hidden = !head.stop;
    const there = this.graph.direction() === 'right' ? 'down' : 'right';
    this.#turn.replaceChildren(icon(there));
    this.#turn.title = there === 'down' ? 'Turn the graph: top to bottom' : 'Turn the graph: left to right';
    const folded = this.context.store.collapse === 'settled';
    this.#fold.setAttribute('aria-pressed', String(folded));
    this.#fold.title = folded ? 'Unfold what is settled' : 'Fold what is settled';
  }
}

/** `run 14 · 21 s · about 9 s left`. */
export function timeLine({ run }: HeadCard, now: number, headTime: number): string {
  if (!run || run.id === '') {
    return '';
  }
  const parts = [`run ${run.id}`];
  if (run.started !== null) {
    parts.push(run.finished === null ? ticking(now - run.started) : duration(run.finished - run.started));
  }
  const left = run.live && run.left !== null ? run.left - (now - headTime) : 0;
  if (left >= 1) {
    parts.push(`about ${ticking(left)} left`);
  }
  return parts.join(' · ');
}

/** One bar a step. */
function each(nodes: readonly NodeCard[]): HTMLElement[] {
  return nodes.map(node => {
    const segment = bar(node.status);
    segment.title = `${node.name}: ${node.status}`;
    if (node.status === 'running' && node.progress !== null) {
      const part = element('div', { class: 'segment-part' });
      part.style.transform = `scaleX(${Math.min(1, Math.max(0, node.progress))})`;
      segment.append(part);
    }
    return segment;
  });
}

/** One bar a status, as wide as it has steps, what is settled first. */
function summed(counts: ReadonlyMap<string, number>): HTMLElement[] {
  const words = [...counts.keys()].sort((one, other) => rank(one) - rank(other));
  return words.map(word => {
    const segment = bar(word);
    segment.style.flexGrow = String(counts.get(word) ?? 0);
    segment.title = `${counts.get(word) ?? 0} ${word}`;
    return segment;
  });
}

function rank(word: string): number {
  const place = Object.keys(LOOKS).indexOf(word);
  return SETTLED.includes(word) ? place - 100 : place;
}

function bar(word: string): HTMLElement {
  const solid = SETTLED.includes(word) && word !== 'blocked';
  const style = `segment hue-${LOOKS[word]?.hue ?? 'idle'}${solid ? ' segment-solid' : ''}`;
  return element('div', { class: style });
}
