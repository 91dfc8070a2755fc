// A row of a log: its number, its text with its colours, what was found in it, and the way to the script.

import type { LogLine } from '../../protocol';
import { button, element } from '../elements';
import { size } from '../words';
import type { Ink } from './ansi';
import { inked } from './ansi';

export interface RowWish {
  /** Text to be marked, or empty. */
  readonly sought: string;
  /** Whether this is the line that the search stands at. */
  readonly current: boolean;
  /** What a traceback's `File "train.py", line 31` leads to, or null. */
  way(file: string, line: number): (() => void) | null;
}

/** Characters of a line that are drawn; the whole is in the download. */
const DRAWN = 2000;
const MOST_MARKS = 100;
const TRACE = /^\s*File "([^"]+)", line (\d+)/;
const RAISED = /^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|Warning|Iteration)\b/;

/** A row whose line is not here yet has its number alone. */
export function logRow(number: number, line: LogLine | undefined, wish: RowWish): HTMLElement {
  const row = element('div', { class: 'row log-row', attributes: { 'data-line': String(number) } });
  row.append(element('span', { class: 'row-number' }, String(number)));
  if (line === undefined) {
    return row;
  }
  const inks = inked(line.text);
  const drawn = cut(inks, DRAWN);
  const text = textOf(drawn);
  const left = line.cut + textOf(inks).length - text.length;
  row.classList.toggle('nbpipe-log-error', line.error);
  row.classList.toggle('nbpipe-log-raised', line.error && RAISED.test(text));
  row.classList.toggle('nbpipe-row-current', wish.current);
  row.append(content(text, drawn, wish));
  if (left > 0) {
    row.append(element('span', { class: 'cut', title: 'Download has the whole line' }, ` +${size(left)}`));
  }
  return row;
}

function content(text: string, inks: readonly Ink[], wish: RowWish): HTMLElement {
  const marks = found(text, wish.sought);
  const traced = TRACE.exec(text);
  const way = traced && wish.way(traced[1] ?? '', Number(traced[2]));
  const body = way ? button('', { class: 'row-text link', click: way }) : element('span', { class: 'row-text' });
  let at = 0;
  for (const ink of inks) {
    for (const [piece, marked] of pieces(ink.text, at, marks)) {
      body.append(painted(piece, ink, marked));
    }
    at += ink.text.length;
  }
  return body;
}

function painted(text: string, ink: Ink, marked: boolean): Node {
  if (!marked && ink.classes === '' && ink.fore === '' && ink.back === '') {
    return document.createTextNode(text);
  }
  const made = element(marked ? 'mark' : 'span', {}, text);
  made.className = ink.classes;
  made.style.color = marked ? '' : ink.fore;
  made.style.backgroundColor = marked ? '' : ink.back;
  return made;
}

function textOf(inks: readonly Ink[]): string {
  return inks.map(each => each.text).join('');
}

/** Stretches until so many characters are used up. */
function cut(inks: readonly Ink[], most: number): Ink[] {
  const kept: Ink[] = [];
  let left = most;
  for (const ink of inks) {
    if (left <= 0) {
      break;
    }
    kept.push(ink.text.length > left ? { ...ink, text: ink.text.slice(0, left) } : ink);
    left -= ink.text.length;
  }
  return kept;
}

/** Where a text stands in a line, whatever its case: begin and end of each place. */
function found(text: string, sought: string): [number, number][] {
  const places: [number, number][] = [];
  if (sought !== '') {
    const low = text.toLowerCase();
    const wanted = sought.toLowerCase();
    let at = low.indexOf(wanted);
    while (at >= 0 && places.length < MOST_MARKS) {
      places.push([at, at + wanted.length]);
      at = low.indexOf(wanted, at + wanted.length);
    }
  }
  return places;
}

/** A stretch that begins at `at`, cut where marks begin and end. */
function pieces(text: string, at: number, marks: readonly (readonly [number, number])[]): [string, boolean][] {
  const made: [string, boolean][] = [];
  let from = 0;
  for (const [begin, end] of marks) {
    const first = Math.max(from, Math.min(begin - at, text.length));
    const last = Math.max(first, Math.min(end - at, text.length));
    if (last > first) {
      made.push([text.slice(from, first), false], [text.slice(first, last), true]);
      from = last;
    }
  }
  made.push([text.slice(from), false]);
  return made.filter(([piece]) => piece !== '');
}
