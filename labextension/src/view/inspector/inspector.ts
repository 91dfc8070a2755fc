// The inspector: all about one step, in six tabs below the graph.

import type { NodeCard, WhyAnswer } from '../../protocol';
import type { Inspector, Tab, ViewContext } from '../context';
import { element } from '../elements';
import { trouble } from './asking';
import { dataPane } from './data';
import { Head } from './head';
import { historyPane } from './history';
import { logsPane } from './logs';
import { metricsPane } from './metrics';
import type { MakePane, Pane, PaneContext } from './pane';
import { stateOf } from './pane';
import { scriptPane } from './script';
import { Tabs } from './tabs';
import { whyPane } from './why';

const PANES: Readonly<Record<Tab, MakePane>> = {
  why: whyPane,
  logs: logsPane,
  data: dataPane,
  metrics: metricsPane,
  history: historyPane,
  script: scriptPane
};

/** Mount the inspector into a place, which is hidden while no step is shown. */
export function mountInspector(place: HTMLElement, context: ViewContext): Inspector {
  return new Frame(place, context);
}

class Frame implements Inspector {
  readonly #panel = element('div', { class: 'inspector-panel' });
  readonly #tabs: Tabs;
  readonly #head: Head;
  readonly #context: PaneContext;
  #node: NodeCard | null = null;
  #tab: Tab = 'why';
  #pane: Pane | null = null;
  #drawn = ''; // what the pane tells of the card that it was drawn for
  #reason: { readonly of: string; readonly answer: Promise<WhyAnswer> } | null = null;

  constructor(
    private readonly place: HTMLElement,
    context: ViewContext
  ) {
    this.#context = { ...context, open: tab => this.#open(tab), why: () => this.#why() };
    this.#tabs = new Tabs(`nbpipe-${context.link.view}`, this.#panel, tab => this.#open(tab));
    this.#head = new Head(this.#tabs.element, () => this.#close());
    place.classList.add('nbpipe-inspector');
    place.setAttribute('role', 'region');
    place.setAttribute('aria-label', 'Inspector');
    place.append(this.#head.element, this.#panel);
    place.hidden = true;
  }

  show(node: NodeCard | null, tab?: Tab): void {
    const other = node?.id !== this.#node?.id;
    this.#node = node;
    this.place.hidden = node === null;
    if (node === null) {
      this.#leave();
    } else if (other || (tab !== undefined && tab !== this.#tab)) {
      this.#reason = other ? null : this.#reason;
      this.#head.show(node);
      this.#open(tab ?? (other ? firstTab(node) : this.#tab));
    } else {
      this.#renew(node);
    }
  }

  refresh(changed: readonly string[]): void {
    const { store } = this.#context;
    const node = this.#node && store.nodes.get(this.#node.id);
    if (node && changed.includes(node.id)) {
      this.#renew(node);
    }
  }

  dispose(): void {
    this.#leave();
    this.#head.dispose();
    this.place.replaceChildren();
  }

  /** The card is a newer one of the same step. */
  #renew(node: NodeCard): void {
    this.#node = node;
    this.#head.show(node);
    if (this.#pane !== null && this.#pane.tells(node) !== this.#drawn) {
      this.#draw(this.#pane, node);
    }
  }

  #open(tab: Tab): void {
    const node = this.#node;
    if (node === null || (this.#pane !== null && tab === this.#tab && this.#panel.dataset['of'] === node.id)) {
      return;
    }
    this.#leave();
    this.#tab = tab;
    this.#tabs.select(tab);
    const inner = element('div', { class: 'pane', attributes: { 'data-tab': tab } });
    this.#panel.dataset['of'] = node.id;
    this.#panel.replaceChildren(inner);
    this.#pane = PANES[tab](inner, this.#context);
    this.#draw(this.#pane, node);
  }

  #draw(pane: Pane, node: NodeCard): void {
    this.#drawn = pane.tells(node);
    try {
      pane.show(node);
    } catch (error) {
      this.#panel.append(trouble(error)); // never a blank pane
    }
  }

  #leave(): void {
    this.#pane?.dispose();
    this.#pane = null;
    this.#panel.replaceChildren();
  }

  /** Asked once for a state of the step. */
  #why(): Promise<WhyAnswer> {
    const node = this.#node;
    const of = node === null ? '' : `${node.id}\n${stateOf(node)}`;
    if (this.#reason?.of !== of) {
      const answer = this.#context.link.request('why', { step: node?.id ?? '' });
      this.#reason = { of, answer };
      answer.catch(() => (this.#reason = null)); // the next one who wants it asks again
    }
    return this.#reason.answer;
  }

  /** As Esc does, which the view hears: it gives the focus back to the graph. */
  #close(): void {
    this.place.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }));
  }
}

function firstTab(node: NodeCard): Tab {
  return node.status === 'failed' || node.status === 'running' ? 'logs' : 'why';
}
