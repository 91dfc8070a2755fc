// What every part of a view is given.

import type { ButtonCard, NodeCard } from '../protocol';
import { askHost, isHostAction } from './host';
import type { Link } from './link';
import type { Store } from './store';

export interface ViewContext {
  /** The view's outermost element: it carries the tokens, and events for the host start here. */
  readonly root: HTMLElement;
  readonly link: Link;
  readonly store: Store;
  readonly hosted: 'cell' | 'panel';
}

export type Tab = 'why' | 'logs' | 'data' | 'metrics' | 'history' | 'script';

/** The pane that tells all about one step. */
export interface Inspector {
  /** Show a step, or nothing. */
  show(node: NodeCard | null, tab?: Tab): void;
  /** These steps have new cards in the store. */
  refresh(changed: readonly string[]): void;
  dispose(): void;
}

const UNABLE = {
  fact: 'This page cannot do that by itself.',
  place: '',
  remedy: 'JupyterLab and Notebook 7 with the extension of nbpipe can.'
};

/** Do what stands behind a button: the host does what only a host can, the kernel the rest. */
export function press(context: ViewContext, button: Pick<ButtonCard, 'verb' | 'args'>): void {
  const { verb, args } = button;
  if (isHostAction(verb)) {
    if (!askHost(context.root, verb, args as never)) {
      context.store.tell(UNABLE);
    }
  } else if (verb !== '') {
    void context.store.ask(verb, { ...args });
  }
}
