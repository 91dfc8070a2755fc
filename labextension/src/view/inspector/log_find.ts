// The line in which one searches a log: the kernel searches the whole of it, the view goes from hit to hit.

import type { LogHits } from '../../protocol';
import { button, element } from '../elements';
import { grouped } from '../words';

export interface FindWish {
  ask(text: string, first: number): Promise<LogHits>;
  /** The text that is searched for changed; empty where the search ended. */
  sought(text: string): void;
  goTo(number: number): void;
  closed(): void;
}

const TYPING = 150; // milliseconds of rest before the kernel is asked

export class LogFind {
  readonly element: HTMLElement;
  /** Number of the line that the search stands at, or 0. */
  current = 0;
  text = '';
  readonly #input = element('input', { attributes: { type: 'search', 'aria-label': 'Find in the log' } });
  readonly #said = element('span', { class: 'quiet', attributes: { role: 'status' } });
  #hits: number[] = [];
  #more = false;
  #next = 1; // number of the line from which the kernel goes on
  #turn = 0;
  #timer = 0;

  constructor(private readonly wish: FindWish) {
    this.#input.placeholder = 'Find';
    this.#input.addEventListener('input', () => this.#typed());
    const way = (label: string, title: string, by: number): HTMLElement =>
      button(label, { title, attributes: { 'aria-label': title }, click: () => void this.#step(by) });
    this.element = element(
      'div',
      { class: 'find', attributes: { role: 'search' } },
      this.#input,
      way('↑', 'Previous hit (Shift+Enter)', -1),
      way('↓', 'Next hit (Enter)', 1),
      this.#said,
      button('Close', { click: () => this.close() })
    );
    this.element.addEventListener('keydown', event => this.#keyed(event));
    this.element.hidden = true;
  }

  open(): void {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
  }

  close(): void {
    this.end();
    this.element.hidden = true;
    this.#input.value = this.text = '';
    this.#hits = [];
    this.current = 0;
    this.wish.sought('');
    this.wish.closed();
  }

  end(): void {
    this.#turn++;
    clearTimeout(this.#timer);
  }

  #keyed(event: KeyboardEvent): void {
    event.stopPropagation(); // keys typed here are no short-cuts of anybody
    if (event.key === 'Enter' && event.target === this.#input) {
      event.preventDefault();
      void this.#step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      this.close();
    }
  }

  #typed(): void {
    this.end();
    this.#timer = window.setTimeout(() => void this.#search(), TYPING);
  }

  async #search(): Promise<void> {
    this.text = this.#input.value;
    this.#hits = [];
    this.current = 0;
    this.#next = 1;
    this.#more = this.text !== '';
    this.wish.sought(this.text);
    if (await this.#load()) {
      this.#turnTo(0);
    }
  }

  /** Ask for hits behind those that are known; false where something else was asked meanwhile. */
  async #load(): Promise<boolean> {
    const turn = ++this.#turn;
    if (!this.#more) {
      return true;
    }
    this.#said.textContent = '…';
    try {
      const before = this.#hits.length;
      while (this.#more && this.#hits.length === before && turn === this.#turn) {
        const found = await this.wish.ask(this.text, this.#next);
        if (turn === this.#turn) {
          this.#hits.push(...found.numbers);
          this.#more = found.more && found.next > this.#next;
          this.#next = Math.max(found.next, (found.numbers.at(-1) ?? 0) + 1, this.#next);
        }
      }
    } catch {
      this.#more = false; // what the log cannot tell, its own place says
    }
    return turn === this.#turn;
  }

  async #step(by: number): Promise<void> {
    if (this.text !== this.#input.value) {
      this.end();
      await this.#search();
      return;
    }
    const at = this.#hits.indexOf(this.current) + by;
    if (at >= this.#hits.length) {
      this.#more ||= this.text !== ''; // the log may have grown
      if (!(await this.#load())) {
        return;
      }
    }
    this.#turnTo(at < 0 ? this.#hits.length - 1 : at >= this.#hits.length ? 0 : at);
  }

  #turnTo(at: number): void {
    const number = this.#hits[at];
    this.#said.textContent =
      this.text === '' ? '' : number === undefined ? 'Nothing found' : `${grouped(at + 1)} of ${this.#total}`;
    if (number !== undefined) {
      this.current = number;
      this.wish.goTo(number);
    }
  }

  get #total(): string {
    return `${grouped(this.#hits.length)}${this.#more ? '+' : ''}`;
  }
}
