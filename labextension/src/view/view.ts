// A view of one pipeline, mounted into an element of any page.

import { Announcer } from './announcer';
import { Bars } from './bar';
import { Chips } from './chips';
import type { Tab, ViewContext } from './context';
import { Graph } from './graph/graph';
import { mountInspector } from './inspector/inspector';
import { Link } from './link';
import type { Channel } from './link';
import { Split } from './split';
import { Store } from './store';
import type { Change } from './store';
import { adoptStyle } from './style';
import { followTheme } from './theme';
import { Toolbar } from './toolbar';

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

const SECOND = 1000;

/** Draw a pipeline into an element, and keep it up to date until it is disposed of. */
export function mountView(root: HTMLElement, channel: Channel, options: ViewOptions): View {
  const link = new Link(channel);
  const subject = { pipeline: options.pipeline ?? '', run: options.run ?? '', hosted: options.hosted };
  const store = new Store(link, subject);
  return new Mounted({ root, link, store, hosted: options.hosted });
}

class Mounted implements View {
  readonly link: Link;
  readonly store: Store;
  readonly #announcer = new Announcer();
  readonly #toolbar: Toolbar;
  readonly #bars: Bars;
  readonly #chips: Chips;
  readonly #graph: Graph;
  readonly #split = new Split();
  readonly #inspector: ReturnType<typeof mountInspector>;
  readonly #clock: number;
  readonly #ends: readonly (() => void)[];
  #frame = 0;
  #wanted: { readonly node: string; readonly tab: Tab | undefined } | null = null;

  constructor(private readonly context: ViewContext) {
    const { root, link, store } = context;
    [this.link, this.store] = [link, store];
    this.#bars = new Bars(context);
    this.#chips = new Chips(context);
    this.#graph = new Graph(context, line => this.#announcer.say(line));
    this.#toolbar = new Toolbar(context, {
      find: () => this.#graph.seek(),
      fit: () => this.#graph.fit(),
      direction: () => this.#graph.direction()
    });
    this.#arrange(root);
    this.#inspector = mountInspector(this.#split.place, context);
    const unstyle = followTheme(root, () => this.#graph.restyle());
    this.#graph.restyle();
    const escaped = (event: KeyboardEvent): void => this.#escape(event);
    root.addEventListener('keydown', escaped);
    this.#ends = [
      unstyle,
      watchSight(root, link),
      store.listen(change => this.#hear(change)),
      () => root.removeEventListener('keydown', escaped)
    ];
    this.#clock = window.setInterval(() => this.#tick(), SECOND);
    store.subscribe();
  }

  show(node: string, tab?: Tab): void {
    this.#wanted = { node, tab };
    this.#open();
  }

  run(): void {
    this.#toolbar.run();
  }

  dispose(): void {
    window.clearInterval(this.#clock);
    window.cancelAnimationFrame(this.#frame);
    this.#ends.forEach(end => end());
    this.#inspector.dispose();
    this.#graph.dispose();
    this.#announcer.dispose();
    this.store.dispose();
    this.link.dispose();
    this.context.root.replaceChildren();
  }

  #arrange(root: HTMLElement): void {
    root.classList.add('nbpipe-view');
    root.dataset['hosted'] = this.context.hosted;
    root.dataset['lmSuppressShortcuts'] = 'true'; // keys belong to the graph while it has the focus
    root.setAttribute('role', 'region');
    root.setAttribute('aria-label', 'Pipeline');
    adoptStyle(root);
    root.replaceChildren(
      this.#toolbar.element,
      this.#bars.element,
      this.#chips.element,
      this.#graph.element,
      this.#split.element,
      this.#announcer.element
    );
  }

  #hear(change: Change): void {
    this.#graph.hear(change);
    this.#inspect(change);
    if (this.#frame === 0) {
      this.#frame = window.requestAnimationFrame(() => this.#surround());
    }
  }

  /** Draw what stands around the graph, once a frame at most. */
  #surround(): void {
    this.#frame = 0;
    this.#toolbar.show();
    this.#bars.show();
    this.#chips.show();
    const head = this.store.head;
    if (head) {
      this.context.root.dataset['mode'] = head.mode;
      this.context.root.setAttribute('aria-label', `Pipeline ${head.pipeline}`);
      this.#announcer.say(head.bar?.text ?? head.summary);
    }
  }

  #inspect(change: Change): void {
    if (change.kind === 'patch') {
      this.#inspector.refresh(change.nodes);
    } else if (change.kind === 'graph' || change.kind === 'selection') {
      const chosen = this.store.selected;
      const single = chosen?.members.length === 0 ? chosen : null;
      const tab = this.#wanted?.node === single?.id ? this.#wanted?.tab : undefined;
      this.#split.show(single !== null);
      this.#inspector.show(single, tab);
      this.#open();
    }
  }

  /** Show what was asked for, as soon as there is a graph that has it. */
  #open(): void {
    const wanted = this.#wanted;
    if (!wanted || !this.store.nodes.has(wanted.node)) {
      return;
    }
    if (this.store.selection === wanted.node) {
      this.#wanted = null;
      this.#inspector.show(this.store.selected, wanted.tab);
    } else {
      this.store.select(wanted.node);
    }
  }

  #escape(event: KeyboardEvent): void {
    if (event.key === 'Escape' && !event.defaultPrevented && this.store.selection !== null) {
      event.preventDefault();
      event.stopPropagation();
      const last = this.store.selection;
      this.store.select(null);
      this.#graph.focus(last);
    }
  }

  #tick(): void {
    const head = this.store.head;
    if (head?.run?.live && head.mode !== 'last') {
      this.#toolbar.tick();
      this.#graph.tick();
    }
  }
}

/** Tell the kernel whether anybody can see the view: one that nobody sees costs nothing. */
export function watchSight(root: HTMLElement, link: Link): () => void {
  let seen = true;
  let near = true;
  const tell = (): void => {
    const now = near && !document.hidden;
    if (now !== seen) {
      seen = now;
      void link.request('visible', { visible: now }).catch(() => undefined);
    }
  };
  const observer = new IntersectionObserver(entries => {
    near = entries.at(-1)?.isIntersecting ?? near;
    tell();
  });
  observer.observe(root);
  document.addEventListener('visibilitychange', tell);
  return () => {
    observer.disconnect();
    document.removeEventListener('visibilitychange', tell);
  };
}
