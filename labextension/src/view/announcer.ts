// Tells screen readers what changed as a whole, politely and not too often.

import { element } from './elements';

const PAUSE = 3000; // milliseconds between two announcements

export class Announcer {
  readonly element = element('div', { class: 'aside', attributes: { 'aria-live': 'polite', role: 'status' } });
  #next = '';
  #timer = 0;

  /** Say a line, at once or when the last one has been heard; what was not yet said is left out. */
  say(line: string): void {
    this.#next = line;
    if (this.#timer === 0 && line !== this.element.textContent) {
      this.#speak();
    }
  }

  dispose(): void {
    window.clearTimeout(this.#timer);
  }

  #speak(): void {
    this.element.textContent = this.#next;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.say(this.#next);
    }, PAUSE);
  }
}
