// A view of one pipeline, mounted into an element of any page.

import type { Tab, ViewContext } from './context';
import { press } from './context';
import { Link } from './link';
import type { Channel } from './link';
import { Store } from './store';

export interface ViewOptions {
  readonly hosted: 'cell' | 'panel';
  readonly pipeline?: string;
  readonly run?: string;
}

export interface View {
  readonly link: Link;
  readonly store: Store;
  /** Select a step, and open a tab of the inspector. */
  show(node: string, tab?: Tab): void;
  /** Press the primary button. */
  run(): void;
  dispose(): void;
}

/** Draw a pipeline into an element, and keep it up to date until it is disposed of. */
export function mountView(root: HTMLElement, channel: Channel, options: ViewOptions): View {
  const link = new Link(channel);
  const subject = { pipeline: options.pipeline ?? '', run: options.run ?? '', hosted: options.hosted };
  const store = new Store(link, subject);
  const context: ViewContext = { root, link, store, hosted: options.hosted };
  root.classList.add('nbpipe-view');
  store.subscribe();
  return {
    link,
    store,
    show: node => store.select(node),
    run: () => {
      if (store.head !== null) {
        press(context, store.head.primary);
      }
    },
    dispose: () => {
      store.dispose();
      link.dispose();
      root.replaceChildren();
    }
  };
}
