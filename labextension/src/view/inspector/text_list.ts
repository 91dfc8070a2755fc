// A text of any length with its lines numbered, some of them marked.

import { button, element } from '../elements';
import { visible } from './ansi';
import { Windowed } from './windowed';

const ROW = 20; // pixels
const LONGEST = 2000; // characters of a line that are drawn

export interface TextWish {
  readonly text: string;
  readonly label: string;
  /** Classes of a line, from 1, each without its `nbpipe-`. */
  marks?(line: number): string;
  /** What a click on a line's number does; numbers are plain without it. */
  pressed?: ((line: number) => void) | null;
}

/** A windowed list of the lines; whoever makes it disposes of it. */
export function textList(wish: TextWish): Windowed {
  const lines = wish.text.split('\n');
  if (lines.at(-1) === '') {
    lines.pop();
  }
  const list = new Windowed({
    rowHeight: ROW,
    label: wish.label,
    row: index => row(index + 1, lines[index] ?? '', wish)
  });
  list.widen(Math.min(LONGEST, lines.reduce((most, each) => Math.max(most, each.length), 0)) + 8);
  list.count = lines.length;
  return list;
}

function row(line: number, text: string, wish: TextWish): HTMLElement {
  const { pressed } = wish;
  const wanted = { class: 'row-number', attributes: { tabindex: '-1' } };
  const number = pressed
    ? button(String(line), { ...wanted, click: () => pressed(line) })
    : element('span', { class: 'row-number' }, String(line));
  const drawn = text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
  const made = element('div', { class: `row ${wish.marks?.(line) ?? ''}`.trim() });
  made.append(number, element('span', { class: 'row-text' }, visible(drawn)));
  return made;
}
