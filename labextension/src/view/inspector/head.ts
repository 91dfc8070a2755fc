// The inspector's first line: the step's glyph and name, and how it stands.

import type { NodeCard } from '../../protocol';
import { button, element } from '../elements';
import { glyph } from '../glyph';
import { duration } from '../words';

const TICK = 1000; // milliseconds

export class Head {
  readonly element = element('div', { class: 'inspector-head' });
  readonly #line = element('span', { class: 'inspector-line' });
  readonly #clock: number;
  #node: NodeCard | null = null;

  constructor(
    private readonly tabs: HTMLElement,
    private readonly close: () => void
  ) {
    this.#clock = window.setInterval(() => this.#tick(), TICK);
  }

  show(node: NodeCard): void {
    const again = this.#node?.id === node.id && this.#node.status === node.status && this.#node.name === node.name;
    this.#node = node;
    this.#line.textContent = this.#line.title = lineOf(node);
    if (!again) {
      const name = element('h3', { class: 'inspector-name', title: node.name }, element('bdi', {}, node.name));
      const attributes = { 'aria-label': 'Close' };
      const away = button('×', { class: 'inspector-close', title: 'Close (Esc)', attributes, click: this.close });
      this.element.dataset['status'] = node.status.replaceAll(' ', '-');
      this.element.replaceChildren(glyph(node.status, 20), name, this.#line, this.tabs, away);
    }
  }

  dispose(): void {
    window.clearInterval(this.#clock);
  }

  #tick(): void {
    if (this.#node?.status === 'running') {
      this.#line.textContent = lineOf(this.#node);
    }
  }
}

/** `failed after 2.3 s · line 31`, `running 12 s · 62 %`, `will run · train.py line 12 changed`. */
export function lineOf(node: NodeCard, now = Date.now() / 1000): string {
  const running = node.status === 'running' && node.started !== null;
  const seconds = running ? Math.max(0, now - (node.started ?? now)) : node.seconds;
  const took = seconds === null ? '' : `${between(node.status)}${duration(seconds)}`;
  return [`${node.status}${took}`, node.detail, node.why].filter(Boolean).join(' · ');
}

function between(status: string): string {
  return status === 'failed' || status === 'cancelled' ? ' after ' : status === 'done' ? ' in ' : ' ';
}
