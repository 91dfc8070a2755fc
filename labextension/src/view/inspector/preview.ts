// What can be seen of some data: a table by pages, an image, a text, JSON, a folder. Nothing in it is run.

import type { DataItem, NodeCard, PreviewCard } from '../../protocol';
import type { Child } from '../elements';
import { button, element } from '../elements';
import { counted, grouped } from '../words';
import { Asking } from './asking';
import { image } from './image';
import { jsonTree } from './json_tree';
import type { PaneContext } from './pane';
import { table } from './table';
import { textList } from './text_list';
import type { Windowed } from './windowed';

const PAGE = 50; // rows
const OPEN_ENDED: ReadonlySet<string> = new Set(['text', 'json', 'image', 'binary']);
const TREE = 1_000_000; // characters of JSON that become a tree

/** One preview at a time, in one place. */
export class Preview {
  readonly element = element('div', { class: 'preview box' });
  readonly #asking: Asking;
  #list: Windowed | null = null;

  constructor(
    context: PaneContext,
    private readonly node: () => NodeCard | null
  ) {
    this.#asking = new Asking(context.link, this.element);
  }

  show(item: DataItem, path = '', first = 0): void {
    const { name, role } = item;
    const args = { step: this.node()?.id ?? '', name, role, path, first, count: PAGE };
    this.#asking.ask('preview', args, card => {
      this.clear();
      this.element.append(this.#head(item, path, card), this.#body(item, card));
    });
  }

  clear(): void {
    this.#list?.dispose();
    this.#list = null;
    this.element.replaceChildren();
  }

  dispose(): void {
    this.#asking.end();
    this.clear();
  }

  #head(item: DataItem, path: string, card: PreviewCard): HTMLElement {
    const notes = [card.note, card.cut && OPEN_ENDED.has(card.kind) ? 'the beginning is shown' : ''].filter(Boolean);
    return element(
      'div',
      { class: 'preview-head' },
      this.#crumbs(item, path),
      element('span', { class: 'quiet' }, notes.join(' · ')),
      card.kind === 'table' && this.#pager(item, path, card)
    );
  }

  /** The data, and which file of a folder is shown; the former leads back to the folder. */
  #crumbs(item: DataItem, path: string): HTMLElement {
    const here = element('strong', { class: 'mono' }, path === '' ? item.name : path);
    const back = button(item.name, { class: 'link mono', click: () => this.show(item) });
    return element('span', { class: 'crumbs' }, ...(path === '' ? [here] : [back, ' / ', here]));
  }

  #pager(item: DataItem, path: string, card: PreviewCard): HTMLElement {
    const { first, total } = card;
    const last = first + card.rows.length;
    const ended = total === null ? !card.cut : last >= total;
    const to = (label: string, title: string, row: number, off: boolean): HTMLButtonElement => {
      const made = button(label, {
        class: 'page',
        title,
        attributes: { 'aria-label': title },
        click: () => this.show(item, path, row)
      });
      made.disabled = off;
      return made;
    };
    const end = Math.max(0, Math.floor(((total ?? 0) - 1) / PAGE) * PAGE);
    const of = total === null ? '' : ` of ${grouped(total)}`;
    const rows = card.rows.length === 0 ? 'no rows' : `rows ${grouped(first + 1)} to ${grouped(last)}${of}`;
    return element(
      'span',
      { class: 'pager' },
      to('«', 'First rows', 0, first === 0),
      to('‹', 'Earlier rows', Math.max(0, first - PAGE), first === 0),
      element('span', { attributes: { role: 'status' } }, rows),
      to('›', 'Later rows', last, ended),
      total !== null && to('»', 'Last rows', end, ended)
    );
  }

  #body(item: DataItem, card: PreviewCard): HTMLElement {
    switch (card.kind) {
      case 'table':
        return table({ columns: card.columns, rows: card.rows, first: card.first, label: item.name });
      case 'image':
        return image(card.image, item.name);
      case 'folder':
        return this.#folder(item, card);
      case 'json':
        return this.#json(card, item.name);
      case 'text':
        return this.#text(card.text, item.name);
      case 'binary':
        return element('p', { class: 'quiet' }, 'No picture of this kind of data.');
    }
  }

  #json(card: PreviewCard, label: string): HTMLElement {
    const tree = card.cut || card.text.length > TREE ? null : jsonTree(card.text);
    return tree ? scrolled(tree) : this.#text(card.text, label);
  }

  #text(text: string, label: string): HTMLElement {
    this.#list = textList({ text, label });
    return this.#list.element;
  }

  #folder(item: DataItem, { entries, total }: PreviewCard): HTMLElement {
    const more = (total ?? entries.length) - entries.length;
    const rows = entries.map(([path = '', size = '']) =>
      element(
        'li',
        {},
        button(path, { class: 'link mono', click: () => this.show(item, path) }),
        element('span', { class: 'quiet' }, size)
      )
    );
    return scrolled(
      rows.length === 0 ? element('p', { class: 'quiet' }, 'The folder is empty.') : null,
      element('ul', { class: 'entries' }, ...rows),
      more > 0 && element('p', { class: 'quiet' }, `and ${counted(more, 'more file')}`)
    );
  }
}

function scrolled(...children: Child[]): HTMLElement {
  return element('div', { class: 'scroll', attributes: { tabindex: '0' } }, ...children);
}
