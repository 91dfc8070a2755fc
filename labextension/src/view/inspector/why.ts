// The tab Why: sentences, the way from the root cause to here, diffs, and the hash receipt.

import type { WhyAnswer } from '../../protocol';
import { button, element } from '../elements';
import { glyph } from '../glyph';
import { Asking } from './asking';
import { copyButton } from './copy';
import { diffBox } from './diff';
import type { MakePane, PaneContext } from './pane';
import { stateOf } from './pane';
import { receipt } from './receipt';

export const whyPane: MakePane = (place, context) => {
  const asking = new Asking(context.link, place);
  return {
    tells: node => [stateOf(node), ...node.cause].join('\n'),
    show: () => asking.wait(context.why(), answer => place.replaceChildren(whyBody(answer, context))),
    dispose: () => asking.end()
  };
};

/** An answer to "why": also of two runs that are compared. */
export function whyBody(answer: WhyAnswer, context: PaneContext): HTMLElement {
  const { sentences, diffs, ingredients } = answer;
  const told = sentences.length > 0 ? sentences : ['Nothing is known of why.'];
  return element(
    'div',
    { class: diffs.length > 0 ? 'why why-wide' : 'why' },
    element(
      'div',
      { class: 'why-told' },
      ...told.map((each, at) => element('p', at === 0 ? { class: 'why-first' } : {}, each)),
      answer.cause.length > 1 && causePath(answer.cause, context),
      answer.key !== '' && keyLine(answer.key)
    ),
    diffs.length > 0 && element('div', { class: 'why-diffs' }, ...diffs.map(diffBox)),
    ingredients.length > 0 && receipt(ingredients, answer.compared_run)
  );
}

/** Root cause → … → this step, each a way to its node. */
function causePath(cause: readonly string[], context: PaneContext): HTMLElement {
  const chips = cause.map(id => {
    const node = context.store.nodes.get(id);
    const name = node?.name ?? context.store.data.get(id)?.name ?? id;
    if (!node) {
      return element('span', { class: 'chip' }, name);
    }
    const chip = { class: 'chip', title: node.why, click: () => context.store.select(id) };
    return button(glyph(node.status, 12), chip, element('bdi', {}, name));
  });
  return element(
    'p',
    { class: 'cause', attributes: { 'aria-label': 'Cause path' } },
    ...chips.flatMap((chip, at) => (at === 0 ? [chip] : [element('span', { class: 'quiet' }, '→'), chip]))
  );
}

function keyLine(key: string): HTMLElement {
  return element(
    'p',
    { class: 'key' },
    element('span', { class: 'quiet' }, 'Fingerprint '),
    element('code', { title: key }, key.slice(0, 16)),
    copyButton('Copy key', () => key, key)
  );
}
