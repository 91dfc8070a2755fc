// What the page knows of each notebook's pipelines: its steps by cell, and which cells were edited since.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import { Debouncer } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { NodeCard } from '../protocol';
import { Link } from '../view/link';
import { Store } from '../view/store';
import { watchSight } from '../view/view';
import { digest } from './digest';
import type { Door } from './door';
import { IPipelineDoor } from './door';

const SETTLE = 150; // milliseconds without a key press, before texts are compared

/** One notebook, watched. */
export interface NotebookWatch {
  readonly panel: NotebookPanel;
  readonly door: Door;
  /** The kernel's pipelines, the one that is meant by default first; empty while the door is not open. */
  readonly stores: readonly Store[];
  /** The step that a cell registered. */
  nodeOf(cell: string): NodeCard | undefined;
  /** Node ids whose cell was edited since it was registered. */
  readonly edited: ReadonlySet<string>;
  /** The edited step that this one follows from, by name; undefined where none was edited. */
  editedAbove(node: NodeCard): string | undefined;
  /** Mark the edited steps in a view's store too, from now on; returns what ends it. */
  share(store: Store): () => void;
  /** Steps, statuses, marks or the door changed. */
  readonly changed: ISignal<NotebookWatch, void>;
}

export interface IPipelineWatch {
  of(panel: NotebookPanel): NotebookWatch;
  /** The notebook that was last in front, or null. */
  readonly current: NotebookWatch | null;
  readonly currentChanged: ISignal<IPipelineWatch, NotebookWatch | null>;
}
export const IPipelineWatch = new Token<IPipelineWatch>(
  'nbpipe-labextension:IPipelineWatch',
  'The steps of each notebook, by cell, as its kernel knows them.'
);

class Watch implements NotebookWatch {
  stores: Store[] = [];
  edited: ReadonlySet<string> = new Set();
  readonly changed = new Signal<this, void>(this);
  private readonly ends: (() => void)[] = [];
  private readonly names = new Set<string>();
  private readonly byCell = new Map<string, NodeCard>();
  private readonly shared = new Set<Store>();
  private readonly digests = new WeakMap<ICellModel, string>();
  private readonly heard = new WeakSet<ICellModel>();
  private readonly settled = new Debouncer(() => this.compare(), SETTLE);

  constructor(
    readonly panel: NotebookPanel,
    readonly door: Door
  ) {
    door.changed.connect(() => this.follow());
    door.greeted.connect(() => this.follow());
    void panel.context.ready.then(() => {
      panel.model?.cells.changed.connect(() => void this.settled.invoke());
      this.follow();
    });
    panel.disposed.connect(() => this.end());
  }

  nodeOf(cell: string): NodeCard | undefined {
    return this.byCell.get(cell);
  }

  editedAbove(node: NodeCard): string | undefined {
    const store = this.stores.find(each => each.stale.has(node.id));
    for (const waiting = [...node.parents], seen = new Set<string>(); store && waiting.length > 0; ) {
      const id = waiting.pop() ?? '';
      if (this.edited.has(id)) {
        return store.nodes.get(id)?.name ?? id;
      }
      if (!seen.has(id)) {
        seen.add(id);
        waiting.push(...(store.nodes.get(id)?.parents ?? []));
      }
    }
    return undefined;
  }

  share(store: Store): () => void {
    this.shared.add(store);
    store.mark(this.edited);
    const stop = store.listen(change => {
      if (change.kind === 'graph') {
        store.mark(this.edited);
      }
    });
    return () => {
      stop();
      this.shared.delete(store);
    };
  }

  private follow(): void {
    if (this.panel.isDisposed) {
      return;
    }
    if (this.door.state !== 'open') {
      this.close();
    } else {
      const missing = this.door.hello?.pipelines.filter(name => !this.names.has(name)) ?? [];
      missing.forEach(name => this.subscribe(name));
    }
    this.gather();
  }

  private subscribe(pipeline: string): void {
    const link = new Link(this.door.channel);
    const store = new Store(link, { pipeline, run: '', hosted: 'panel' });
    store.collapse = 'none'; // every cell has a step of its own, however large the graph
    store.listen(change => {
      if (change.kind === 'graph' || change.kind === 'patch') {
        this.gather();
      }
    });
    this.names.add(pipeline);
    this.stores.push(store);
    store.subscribe();
    this.ends.push(watchSight(this.panel.node, link), () => store.dispose(), () => link.dispose());
  }

  private gather(): void {
    this.byCell.clear();
    for (const node of this.stores.flatMap(store => [...store.nodes.values()])) {
      if (node.cell !== '') {
        this.byCell.set(node.cell, node);
      }
    }
    this.compare();
  }

  /** Find the cells whose text differs from what the kernel registered. */
  private compare(): void {
    const edited = new Set<string>();
    for (const model of this.panel.model?.cells ?? []) {
      const node = this.byCell.get(model.id);
      if (node && node.digest !== '' && node.digest !== this.digestOf(model)) {
        edited.add(node.id);
      }
    }
    if (edited.size !== this.edited.size || [...edited].some(each => !this.edited.has(each))) {
      this.edited = edited;
      [...this.stores, ...this.shared].forEach(store => store.mark(edited));
    }
    this.changed.emit();
  }

  private digestOf(model: ICellModel): string {
    if (!this.heard.has(model)) {
      this.heard.add(model);
      model.contentChanged.connect(() => {
        this.digests.delete(model);
        void this.settled.invoke();
      });
    }
    const known = this.digests.get(model) ?? digest(model.sharedModel.getSource());
    this.digests.set(model, known);
    return known;
  }

  private close(): void {
    this.ends.splice(0).forEach(end => end());
    this.stores = [];
    this.names.clear();
    this.edited = new Set();
  }

  private end(): void {
    this.close();
    this.settled.dispose();
    Signal.clearData(this);
  }
}

class Watches implements IPipelineWatch {
  readonly currentChanged = new Signal<this, NotebookWatch | null>(this);
  private readonly watches = new WeakMap<NotebookPanel, Watch>();

  constructor(
    private readonly doors: IPipelineDoor,
    private readonly tracker: INotebookTracker
  ) {
    tracker.currentChanged.connect(() => this.currentChanged.emit(this.current));
    tracker.widgetAdded.connect((_, panel) => this.of(panel));
    tracker.forEach(panel => this.of(panel));
  }

  get current(): NotebookWatch | null {
    return this.tracker.currentWidget ? this.of(this.tracker.currentWidget) : null;
  }

  of(panel: NotebookPanel): NotebookWatch {
    const watch = this.watches.get(panel) ?? new Watch(panel, this.doors.of(panel.sessionContext));
    this.watches.set(panel, watch);
    return watch;
  }
}

export const watchPlugin: JupyterFrontEndPlugin<IPipelineWatch> = {
  id: 'nbpipe-labextension:watch',
  description: 'Knows the steps of every open notebook, and which of their cells were edited.',
  autoStart: true,
  requires: [IPipelineDoor, INotebookTracker],
  provides: IPipelineWatch,
  activate: (_, doors: IPipelineDoor, tracker: INotebookTracker) => new Watches(doors, tracker)
};
