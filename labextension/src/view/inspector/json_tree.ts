// JSON as a tree that unfolds; a branch is made when it is opened.

import { button, element } from '../elements';
import { counted } from '../words';

const MOST = 200; // children drawn at once
const LONGEST = 500; // characters of a text
const DEEPEST_OPEN = 2;

/** The tree of a JSON text; null where it is none. */
export function jsonTree(text: string): HTMLElement | null {
  try {
    return element('div', { class: 'tree' }, branch('', JSON.parse(text), 0));
  } catch {
    return null; // cut in the middle, or nested deeper than the parser goes: shown as text
  }
}

function branch(name: string, value: unknown, depth: number): HTMLElement {
  if (typeof value !== 'object' || value === null) {
    return element('div', { class: 'leaf' }, label(name), leaf(value));
  }
  const entries = Object.entries(value);
  const what = Array.isArray(value) ? counted(entries.length, 'item') : counted(entries.length, 'key');
  const made = element('details', {}, element('summary', {}, label(name), element('span', { class: 'quiet' }, what)));
  made.addEventListener('toggle', () => {
    if (made.open && made.childElementCount === 1) {
      grow(made, entries, 0, depth);
    }
  });
  made.open = depth < DEEPEST_OPEN && entries.length <= MOST;
  return made;
}

function grow(made: HTMLElement, entries: readonly [string, unknown][], from: number, depth: number): void {
  made.append(...entries.slice(from, from + MOST).map(([name, value]) => branch(name, value, depth + 1)));
  const left = entries.length - from - MOST;
  if (left > 0) {
    const more = button(counted(left, 'more', 'more'), {
      class: 'link',
      click: () => {
        more.remove();
        grow(made, entries, from + MOST, depth);
      }
    });
    made.append(more);
  }
}

function label(name: string): HTMLElement | null {
  return name === '' ? null : element('span', { class: 'tree-name' }, `${name.slice(0, LONGEST)}: `);
}

function leaf(value: unknown): HTMLElement {
  const text = JSON.stringify(value);
  const kind = typeof value === 'string' ? 'text' : 'value';
  return element('span', { class: `tree-${kind}` }, text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text);
}
