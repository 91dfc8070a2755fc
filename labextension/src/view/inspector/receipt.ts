// The hash receipt: every ingredient of a fingerprint, what changed first.

import type { IngredientCard } from '../../protocol';
import { element } from '../elements';
import { counted, grouped } from '../words';

const MOST = 1000;

/** Folded until somebody wants it, and made only then. */
export function receipt(ingredients: readonly IngredientCard[], comparedRun: string): HTMLElement {
  const changed = ingredients.filter(each => each.before !== null);
  const count = changed.length === 0 ? 'none' : grouped(changed.length);
  const note = comparedRun === '' ? '' : `, ${count} changed since run ${comparedRun}`;
  const summary = element(
    'summary',
    {},
    'Hash receipt',
    element('span', { class: 'quiet' }, ` ${counted(ingredients.length, 'ingredient')}${note}`)
  );
  const made = element('details', { class: 'receipt' }, summary);
  made.addEventListener('toggle', () => {
    if (made.open && made.childElementCount === 1) {
      const rest = ingredients.filter(each => each.before === null);
      made.append(table([...changed, ...rest].slice(0, MOST)));
    }
  });
  return made;
}

function table(ingredients: readonly IngredientCard[]): HTMLElement {
  const names = ['Kind', 'Name', 'Value'].map(each => element('th', { attributes: { scope: 'col' } }, each));
  const head = element('tr', {}, ...names);
  const attributes = { tabindex: '0', role: 'region', 'aria-label': 'Ingredients' };
  return element(
    'div',
    { class: 'scroll', attributes },
    element('table', { class: 'table' }, element('thead', {}, head), element('tbody', {}, ...ingredients.map(row)))
  );
}

function row({ kind, name, value, before }: IngredientCard): HTMLElement {
  const cell = element('td', { class: 'mono' });
  if (before === null) {
    cell.textContent = value;
  } else {
    cell.append(element('del', {}, before || 'nothing'), ' → ', element('ins', {}, value || 'nothing'));
  }
  return element(
    'tr',
    before === null ? {} : { class: 'changed' },
    element('td', {}, kind.replaceAll('_', ' ')),
    element('td', { class: 'mono' }, name),
    cell
  );
}
