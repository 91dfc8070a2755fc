// What can be done with one step: the words on buttons and menu, and what stands behind them.

import type { ButtonCard, HeadCard, NodeCard } from '../../protocol';
import { askHost } from '../host';
import type { ViewContext } from '../context';
import { press } from '../context';
import type { Sign } from '../icons';

export interface Deed {
  readonly label: string;
  readonly title: string;
  readonly sign: Sign;
  readonly act: () => void;
}

const SIGNS: Readonly<Record<string, Sign>> = { run: 'play', force: 'play', stop: 'stop', accept: 'fit' };

/** Everything that can be done with a step right now, what is wanted most first. */
export function deedsFor(node: NodeCard, context: ViewContext): Deed[] {
  return node.members.length > 0
    ? [{ label: 'Open this group', title: 'Show its steps', sign: 'fit', act: () => context.store.openGroup(node.id) }]
    : [...running(node, context), ...looking(node, context), ...going(node, context)];
}

function running(node: NodeCard, context: ViewContext): Deed[] {
  const head = context.store.head;
  return head === null || head.mode === 'last' ? [] : runButtons(node, head).map(each => deed(each, context));
}

function runButtons(node: NodeCard, head: HeadCard): ButtonCard[] {
  const live = head.run?.live ?? false;
  const found: ButtonCard[] = [];
  if (live && (node.status === 'running' || node.status === 'queued')) {
    found.push(button('Stop this step', 'stop', { step: node.id }, 'End its process; what depends on it is blocked'));
  }
  if (!live) {
    found.push(button('Run this step', 'run', { only: [node.id] }, 'Run it with what it needs; the rest waits'));
    const force = { only: [node.id], force: [node.id] };
    found.push(button('Run it again', 'run', force, 'Run it even where its earlier result could be reused'));
  } else if (node.status !== 'running') {
    found.push(button('Run it again', 'force', { step: node.id }, 'Run it in this run, whatever could be reused'));
  }
  if (node.before === 'done' && ['will run', 'maybe', 'edited'].includes(node.status)) {
    const title = 'Take its earlier result as if nothing had changed';
    found.push(button('Accept its last result', 'accept', { step: node.id }, title));
  }
  return found;
}

function looking(node: NodeCard, { store }: ViewContext): Deed[] {
  return [
    {
      label: 'Light what it needs',
      title: 'All steps before it',
      sign: 'up',
      act: () => store.select(node.id, 'needs')
    },
    {
      label: 'Light what depends on it',
      title: 'All steps after it',
      sign: 'next',
      act: () => store.select(node.id, 'followers')
    }
  ];
}

function going(node: NodeCard, context: ViewContext): Deed[] {
  if (!askHost(context.root, 'present', {})) {
    return [];
  }
  const found: ButtonCard[] = [];
  if (node.cell !== '' && !node.cell_gone) {
    const line = node.line === null ? 1 : node.line + node.first - 1;
    found.push(button(`Go to ${node.cell_label || 'its cell'}`, 'go-to-cell', { cell: node.cell, line }, ''));
  }
  if (node.script !== '') {
    found.push(button('Open its script', 'open-file', { path: node.script, line: node.line ?? 1 }, node.script));
  }
  return found.map(each => deed(each, context));
}

function button(label: string, verb: string, args: Record<string, unknown>, title: string): ButtonCard {
  return { label, verb, args, title };
}

function deed(card: ButtonCard, context: ViewContext): Deed {
  const sign = SIGNS[card.verb] ?? 'more';
  return { label: card.label, title: card.title, sign, act: () => press(context, card) };
}
