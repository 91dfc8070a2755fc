// A failed step's card: what went wrong, where, what differs from the last good run, what to do.

import type { FailureCard, NodeCard, WhyAnswer } from '../../protocol';
import { button, element } from '../elements';
import { remedyBlock } from './asking';
import type { PaneContext } from './pane';
import { goButton } from './source';

export function failureCard(
  failure: FailureCard,
  diffs: WhyAnswer['diffs'],
  node: NodeCard,
  context: PaneContext
): HTMLElement {
  const line = failure.line ?? node.line;
  return element(
    'section',
    { class: 'failure box', attributes: { 'aria-label': 'What failed' } },
    element(
      'div',
      { class: 'failure-told' },
      element('h4', {}, failure.title),
      failure.place && element('p', { class: 'quiet' }, failure.place),
      ...failure.differs.map(each => element('p', {}, each)),
      failure.remedy && remedyBlock(failure.remedy),
      failure.kept && element('p', { class: 'quiet' }, failure.kept)
    ),
    element(
      'div',
      { class: 'presses' },
      line === null ? null : goButton(context.root, node, line, true),
      diffs.length > 0 && button('Show diff', { class: 'press', click: () => context.open('why') })
    )
  );
}
