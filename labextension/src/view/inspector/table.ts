// A table of texts, as many cells as a page draws without effort.

import { element } from '../elements';
import { counted } from '../words';

const MOST_COLUMNS = 100;
const LONGEST = 200; // characters of a cell

export interface TableWish {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly label: string;
  /** Number of the first row, from 0; rows are numbered where it is given. */
  readonly first?: number;
}

export function table(wish: TableWish): HTMLElement {
  const numbered = wish.first !== undefined;
  const hidden = wish.columns.length - MOST_COLUMNS;
  const heads = wish.columns.slice(0, MOST_COLUMNS).map(each => head(each));
  const attributes = { tabindex: '0', role: 'region', 'aria-label': wish.label };
  return element(
    'div',
    { class: 'scroll', attributes },
    element(
      'table',
      { class: 'table table-data' },
      element('thead', {}, element('tr', {}, numbered && element('td', { class: 'row-number' }), ...heads)),
      element('tbody', {}, ...wish.rows.map((row, at) => line(row, numbered ? (wish.first ?? 0) + at : null)))
    ),
    hidden > 0 && element('p', { class: 'quiet' }, `and ${counted(hidden, 'more column')}`)
  );
}

function head(name: string): HTMLElement {
  const title = name.length > 30 ? name.slice(0, 2000) : '';
  return element('th', { title, attributes: { scope: 'col' } }, shortened(name));
}

function line(row: readonly string[], number: number | null): HTMLElement {
  const cells = row.slice(0, MOST_COLUMNS).map(each => {
    const kind = isNumber(each) ? { class: 'number' } : {};
    return element('td', { ...kind, title: each.length > LONGEST ? each.slice(0, 2000) : '' }, shortened(each));
  });
  return element('tr', {}, number !== null && element('td', { class: 'row-number' }, String(number)), ...cells);
}

function isNumber(text: string): boolean {
  return text.length < 30 && /^-?[\d.,]+(?:e[+-]?\d+)?%?$/i.test(text);
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
}
