// Questions of a pane to the kernel: a late answer is dropped, an error is shown where the answer would be.

import type { Answers, ErrorCard } from '../../protocol';
import { element } from '../elements';
import type { Link } from '../link';
import { Refused } from '../link';
import { copyButton } from './copy';

/** One question at a time, and the place of its answer. */
export class Asking {
  #turn = 0;

  constructor(
    private readonly link: Link,
    private readonly place: HTMLElement
  ) {}

  /** Ask; an earlier question that is still open is forgotten. What is shown stays until the answer comes. */
  ask<Verb extends keyof Answers>(
    verb: Verb,
    args: Record<string, unknown>,
    take: (value: Answers[Verb]) => void
  ): void {
    this.wait(this.link.request(verb, args), take);
  }

  /** Wait for something that may be refused. */
  wait<Value>(promise: Promise<Value>, take: (value: Value) => void): void {
    const turn = ++this.#turn;
    if (this.place.childElementCount === 0) {
      this.place.append(element('p', { class: 'quiet waiting' }, 'Reading …'));
    }
    promise
      .then(value => {
        if (turn === this.#turn) {
          take(value);
        }
      })
      .catch((error: unknown) => {
        if (turn === this.#turn) {
          this.place.replaceChildren(trouble(error));
        }
      });
  }

  /** Forget what was asked. */
  end(): void {
    this.#turn++;
  }
}

/** An error as a card: what, where, what to do. */
export function trouble(error: unknown): HTMLElement {
  const card: ErrorCard =
    error instanceof Refused ? error.card : { fact: 'The view could not show this.', place: '', remedy: String(error) };
  return element(
    'div',
    { class: 'trouble', attributes: { role: 'alert' } },
    element('p', { class: 'trouble-fact' }, card.fact),
    card.place && element('p', { class: 'quiet' }, card.place),
    card.remedy && remedyBlock(card.remedy)
  );
}

/** What to do, in a form that can be copied and pasted. */
export function remedyBlock(text: string): HTMLElement {
  return element(
    'div',
    { class: 'remedy' },
    element('pre', { attributes: { tabindex: '0' } }, text),
    copyButton('Copy', () => text)
  );
}
