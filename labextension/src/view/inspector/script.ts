// The tab Script: the file that a step runs, what changed in it, and where it failed.

import type { NodeCard, ScriptAnswer } from '../../protocol';
import { element } from '../elements';
import { counted } from '../words';
import { Asking } from './asking';
import { copyButton } from './copy';
import type { MakePane, Pane, PaneContext } from './pane';
import { stateOf } from './pane';
import { canGo, go, goButton } from './source';
import { textList } from './text_list';
import type { Windowed } from './windowed';

export const scriptPane: MakePane = (place, context) => new Script(place, context);

class Script implements Pane {
  readonly #asking: Asking;
  #list: Windowed | null = null;

  constructor(
    private readonly place: HTMLElement,
    private readonly context: PaneContext
  ) {
    this.#asking = new Asking(context.link, place);
  }

  tells(node: NodeCard): string {
    return [stateOf(node), node.digest, node.first, node.cell, node.cell_gone].join('\n');
  }

  show(node: NodeCard): void {
    this.#asking.ask('script', { step: node.id, run: '' }, answer => this.#take(answer, node));
  }

  dispose(): void {
    this.#asking.end();
    this.#list?.dispose();
  }

  #take(answer: ScriptAnswer, node: NodeCard): void {
    const { root } = this.context;
    const here = { ...node, cell: answer.cell || node.cell, first: answer.first };
    const changed = new Set(answer.changed);
    const failed = node.status === 'failed' ? node.line : null;
    const seen = failed ?? answer.changed[0] ?? null;
    this.#list?.dispose();
    const list = (this.#list = textList({
      text: answer.text,
      label: answer.file,
      marks: line => `${changed.has(line) ? 'row-changed' : ''} ${line === failed ? 'row-failed' : ''}`.trim(),
      pressed: canGo(root, here) ? line => go(root, here, line) : null
    }));
    const head = element(
      'div',
      { class: 'preview-head' },
      element('strong', { class: 'mono' }, answer.file),
      element('span', { class: 'quiet' }, noteOf(changed.size, failed)),
      element('span', { class: 'presses' }, goButton(root, here, seen ?? 1), copyButton('Copy', () => answer.text))
    );
    this.place.replaceChildren(element('div', { class: 'preview box' }, head, list.element));
    if (seen !== null) {
      list.goTo(seen - 1, 4);
    }
  }
}

function noteOf(changed: number, failed: number | null): string {
  const parts = [changed > 0 && `${counted(changed, 'line')} changed`, failed !== null && `failed at line ${failed}`];
  return parts.filter(Boolean).join(' · ');
}
