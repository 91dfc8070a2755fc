// What stands where there are no steps yet: a ghost of three, and the smallest cell that makes one.

import type { HeadCard } from '../../protocol';
import { press } from '../context';
import type { ViewContext } from '../context';
import { button, drawn, element } from '../elements';
import { askHost } from '../host';
import { copyButton } from '../inspector/copy';

/** Draw it for a head. */
export function emptyState(head: HeadCard, context: ViewContext): HTMLElement {
  const host = askHost(context.root, 'present', {});
  const text = head.sample;
  const insert = (): void => press(context, { verb: 'insert-cell', args: { text } });
  const makeStep = (): void => press(context, { verb: 'make-step', args: {} });
  return element(
    'div',
    { class: 'empty' },
    ghost(),
    element('p', { class: 'empty-said' }, 'No steps yet.'),
    text !== '' && element('pre', { class: 'empty-cell', attributes: { tabindex: '0' } }, text),
    element(
      'div',
      { class: 'empty-buttons' },
      text !== '' && host && button('Insert this cell', { class: 'button button-main', click: insert }),
      text !== '' && copyButton('Copy', () => text),
      host && button('Make this cell a step', { class: 'button', click: makeStep })
    )
  );
}

function ghost(): SVGSVGElement {
  const made = drawn('svg', { viewBox: '-2 -2 728 80', class: 'nbpipe-ghost', 'aria-hidden': 'true' });
  for (let place = 0; place < 3; place += 1) {
    made.append(drawn('rect', { x: 262 * place, width: 200, height: 76, rx: 8 }));
    if (place < 2) {
      made.append(drawn('path', { d: `M${262 * place + 200} 38h62` }));
    }
  }
  return made;
}
