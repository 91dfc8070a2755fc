// The tab Data: what a step reads and writes, a look into each, and the code that reads it in a notebook.

import type { DataAnswer, DataItem, NodeCard } from '../../protocol';
import { element } from '../elements';
import { Asking } from './asking';
import { copyButton } from './copy';
import type { MakePane, Pane, PaneContext } from './pane';
import { stateOf } from './pane';
import { Preview } from './preview';

const ROLES: Readonly<Record<DataItem['role'], string>> = { input: 'Reads', output: 'Writes', files: 'Files it left' };

export const dataPane: MakePane = (place, context) => new Data(place, context);

class Data implements Pane {
  readonly #list = element('div', { class: 'items' });
  readonly #preview: Preview;
  readonly #asking: Asking;
  #node: NodeCard | null = null;
  #chosen = ''; // role and name
  #buttons = new Map<string, HTMLButtonElement>();

  constructor(place: HTMLElement, context: PaneContext) {
    this.#preview = new Preview(context, () => this.#node);
    this.#asking = new Asking(context.link, this.#list);
    place.append(element('div', { class: 'sides' }, this.#list, this.#preview.element));
  }

  tells(node: NodeCard): string {
    return stateOf(node);
  }

  show(node: NodeCard): void {
    this.#node = node;
    this.#asking.ask('data', { step: node.id }, answer => this.#take(answer));
  }

  dispose(): void {
    this.#asking.end();
    this.#preview.dispose();
  }

  #take({ items }: DataAnswer): void {
    this.#buttons = new Map();
    const groups = (['output', 'input', 'files'] as const).flatMap(role => {
      const own = items.filter(each => each.role === role);
      const list = element('ul', { class: 'item-list' }, ...own.map(each => this.#item(each)));
      return own.length > 0 ? [element('h4', {}, ROLES[role]), list] : [];
    });
    const none = element('p', { class: 'quiet' }, 'This step reads and writes no data.');
    this.#list.replaceChildren(...(groups.length > 0 ? groups : [none]));
    const there = items.filter(each => each.there);
    const kept = there.find(each => idOf(each) === this.#chosen);
    const item = kept ?? there.find(each => each.role === 'output') ?? there[0];
    this.#preview.element.hidden = item === undefined;
    if (item) {
      this.#choose(item);
    }
  }

  #item(item: DataItem): HTMLElement {
    const note = element('span', { class: 'quiet' }, item.note);
    const name = element('span', { class: 'mono' }, item.name);
    const digest = item.digest && element('code', { class: 'quiet', title: 'Digest of the content' }, item.digest);
    const body = element('button', { class: 'item', click: () => this.#choose(item) }, name, note, digest);
    body.type = 'button';
    body.disabled = !item.there;
    this.#buttons.set(idOf(item), body);
    const copy = item.code !== '' && copyButton('Copy code', () => item.code, `Copy code to read this\n\n${item.code}`);
    return element('li', {}, body, copy);
  }

  #choose(item: DataItem): void {
    this.#chosen = idOf(item);
    for (const [id, each] of this.#buttons) {
      each.setAttribute('aria-pressed', String(id === this.#chosen));
    }
    this.#preview.show(item);
  }
}

function idOf(item: DataItem): string {
  return `${item.role} ${item.name}`;
}
