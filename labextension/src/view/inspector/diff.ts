// A diff as it is shown: what came in the hue of "done", what went in the hue of "failed".

import type { DiffCard, DiffLine } from '../../protocol';
import { element } from '../elements';
import { counted } from '../words';

const MOST = 600; // lines that are drawn
const LONGEST = 1000; // characters of a line
const KINDS: Readonly<Record<DiffLine['mark'], string>> = { '+': 'came', '-': 'went', ' ': 'stayed', '@': 'place' };

export function diffBox(card: DiffCard): HTMLElement {
  const more = card.lines.length - MOST;
  const attributes = { tabindex: '0', role: 'region', 'aria-label': card.title };
  return element(
    'figure',
    { class: 'diff box' },
    element('figcaption', {}, card.title),
    element('div', { class: 'diff-lines', attributes }, ...card.lines.slice(0, MOST).map(diffRow)),
    more > 0 && element('p', { class: 'quiet' }, `and ${counted(more, 'more line', 'more lines')}`)
  );
}

function diffRow({ mark, text }: DiffLine): HTMLElement {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
  return element(
    'div',
    { class: `diff-line diff-${KINDS[mark]}` },
    element('span', { class: 'diff-mark' }, mark === '@' ? '' : mark),
    element('span', { class: 'row-text' }, shown)
  );
}
