// What a view knows: the last graph, kept up to date by patches, and what the user chose to see of it.

import type { DataCard, EdgeCard, ErrorCard, GraphMessage, HeadCard, NodeCard, PatchMessage } from '../protocol';
import { followers } from './kin';
import { Refused } from './link';
import type { Link } from './link';

export type Direction = 'right' | 'down';
/** What is lit when a step is selected: its cause, all it needs, or all that depends on it. */
export type Trail = 'cause' | 'needs' | 'followers';

/** What changed; `patch` carries ids, so that nobody draws more than that. */
export type Change =
  | { readonly kind: 'graph' | 'selection' | 'filter' | 'direction' | 'marks' | 'notice' }
  | {
      readonly kind: 'patch';
      readonly nodes: readonly string[];
      readonly edges: readonly string[];
      readonly data: readonly string[];
      readonly parameters: boolean;
    };

/** Which pipeline and run a view shows; empty: the kernel's first pipeline, and its plan or newest run. */
export interface Subject {
  readonly pipeline: string;
  readonly run: string;
  readonly hosted: 'cell' | 'panel';
}

/** Seconds that a graph may take to come: clocks that differ by less count as one. */
const ON_THE_WAY = 1.5;

/** The state of one view. Parts read it, and draw when it tells them what changed. */
export class Store {
  graph: GraphMessage | null = null;
  /** The graph's cards by id, with every patch applied. */
  readonly nodes = new Map<string, NodeCard>();
  readonly edges = new Map<string, EdgeCard>();
  readonly data = new Map<string, DataCard>();
  /** When the head came, in seconds since the epoch: its `left` counts down from then. */
  headTime = 0;
  selection: string | null = null;
  trail: Trail = 'cause';
  /** Status words that are shown; all where it is empty. */
  filter: ReadonlySet<string> = new Set();
  /** Text that names are searched for; empty where nothing is. */
  sought = '';
  /** Chosen by the user; null: whichever fits better. */
  direction: Direction | null = null;
  collapse: '' | 'settled' | 'none' = '';
  readonly open = new Set<string>();
  /** Steps whose cell was edited since it was registered, and their descendants: marks of the host, no plan. */
  edited: ReadonlySet<string> = new Set();
  stale: ReadonlySet<string> = new Set();
  notice: ErrorCard | null = null;
  #ahead = 0; // seconds that this browser's clock is ahead of the kernel's
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #stop: () => void;
  #resyncing = false;

  constructor(
    private readonly link: Link,
    private subject: Subject
  ) {
    this.#stop = link.listen(message => {
      if (message.type === 'graph') {
        this.#take(message);
      } else if (message.type === 'patch') {
        this.#patch(message);
      }
    });
  }

  get head(): HeadCard | null {
    return this.graph?.head ?? null;
  }

  /** The selected step's card, or null. */
  get selected(): NodeCard | null {
    return this.selection === null ? null : (this.nodes.get(this.selection) ?? null);
  }

  /** How many steps have each status, those that groups stand for among them. */
  get counts(): Map<string, number> {
    const found = new Map<string, number>();
    for (const { counts, members, status } of this.nodes.values()) {
      for (const [word, count] of members.length > 0 ? Object.entries(counts) : [[status, 1] as const]) {
        found.set(word, (found.get(word) ?? 0) + count);
      }
    }
    return found;
  }

  /** Hear of changes; returns what stops it. */
  listen(hear: (change: Change) => void): () => void {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }

  /** Ask the kernel for the graph, and for all that changes in it from then on. */
  subscribe(): void {
    this.#resyncing = true;
    const args = { ...this.subject, collapse: this.collapse, open: [...this.open] };
    void this.ask('subscribe', args).then(done => {
      this.#resyncing = this.#resyncing && done;
    });
  }

  /** Show another pipeline, or another run of it. */
  turnTo(pipeline: string, run = ''): void {
    this.subject = { ...this.subject, pipeline, run };
    this.open.clear();
    this.select(null);
    this.subscribe();
  }

  /** Send a request whose answer is only that it was done; what is refused becomes the notice. */
  async ask(verb: string, args: Record<string, unknown> = {}): Promise<boolean> {
    try {
      await this.link.request(verb, args);
      this.tell(null);
      return true;
    } catch (error) {
      this.tell(error instanceof Refused ? error.card : { fact: String(error), place: '', remedy: '' });
      return false;
    }
  }

  /** Show a notice above the graph, or take it away. */
  tell(notice: ErrorCard | null): void {
    if (notice !== this.notice) {
      this.notice = notice;
      this.#changed({ kind: 'notice' });
    }
  }

  select(id: string | null, trail: Trail = 'cause'): void {
    if (id !== this.selection || trail !== this.trail) {
      this.selection = id;
      this.trail = trail;
      this.#changed({ kind: 'selection' });
    }
  }

  /** Add a status word to those that are shown, or take it away. */
  toggleFilter(word: string): void {
    const filter = new Set(this.filter);
    if (!filter.delete(word)) {
      filter.add(word);
    }
    this.filter = filter;
    this.#changed({ kind: 'filter' });
  }

  seek(text: string): void {
    if (text !== this.sought) {
      this.sought = text;
      this.#changed({ kind: 'filter' });
    }
  }

  turn(direction: Direction): void {
    this.direction = direction;
    this.#changed({ kind: 'direction' });
  }

  /** Fold what is settled into groups, or unfold it. */
  fold(collapse: '' | 'settled'): void {
    this.collapse = collapse;
    this.open.clear();
    this.subscribe();
  }

  openGroup(id: string): void {
    this.open.add(id);
    this.subscribe();
  }

  closeGroups(): void {
    this.open.clear();
    this.subscribe();
  }

  /** Mark steps whose cell differs from what is registered; what follows from them is marked too. */
  mark(edited: ReadonlySet<string>): void {
    this.edited = edited;
    this.#markFollowers();
    this.#changed({ kind: 'marks' });
  }

  dispose(): void {
    this.#stop();
    this.#listeners.clear();
  }

  #take(told: GraphMessage): void {
    this.#resyncing = false;
    this.headTime = Date.now() / 1000;
    const ahead = told.now > 0 ? this.headTime - told.now : 0;
    this.#ahead = Math.abs(ahead) > ON_THE_WAY ? ahead : 0;
    const graph = { ...told, head: this.#headHere(told.head), nodes: this.#here(told.nodes) };
    this.graph = graph;
    fill(this.nodes, graph.nodes);
    fill(this.edges, graph.edges);
    fill(this.data, graph.data);
    this.#markFollowers();
    if (this.selection !== null && !this.nodes.has(this.selection)) {
      this.selection = null;
    }
    const words = new Set(graph.nodes.map(each => each.status));
    this.filter = new Set([...this.filter].filter(each => words.has(each)));
    this.#changed({ kind: 'graph' });
  }

  #patch(patch: PatchMessage): void {
    if (this.#resyncing || this.graph === null || patch.revision <= this.graph.revision) {
      return; // the graph that was asked for, or was already taken, holds it
    }
    if (patch.revision !== this.graph.revision + 1) {
      this.subscribe();
      return;
    }
    if (patch.head !== null) {
      this.headTime = Date.now() / 1000;
    }
    this.graph = {
      ...this.graph,
      revision: patch.revision,
      head: patch.head ? this.#headHere(patch.head) : this.graph.head,
      parameters: patch.parameters ?? this.graph.parameters
    };
    this.#changed({
      kind: 'patch',
      nodes: replace(this.nodes, this.#here(patch.nodes)),
      edges: replace(this.edges, patch.edges),
      data: replace(this.data, patch.data),
      parameters: patch.parameters !== null
    });
  }

  /** Cards with their times by this browser's clock. */
  #here(cards: readonly NodeCard[]): readonly NodeCard[] {
    return this.#ahead === 0 ? cards : cards.map(each => ({ ...each, started: this.#time(each.started) }));
  }

  #headHere(head: HeadCard): HeadCard {
    const { run } = head;
    const times = run && { started: this.#time(run.started), finished: this.#time(run.finished) };
    return run ? { ...head, run: { ...run, ...times } } : head;
  }

  #time(kernels: number | null): number | null {
    return kernels === null ? null : kernels + this.#ahead;
  }

  #markFollowers(): void {
    this.stale = new Set([...followers(this.edges.values(), this.edited)].filter(each => !this.edited.has(each)));
  }

  #changed(change: Change): void {
    this.#listeners.forEach(hear => hear(change));
  }
}

function fill<Card extends { id: string }>(map: Map<string, Card>, cards: readonly Card[]): void {
  map.clear();
  replace(map, cards);
}

function replace<Card extends { id: string }>(map: Map<string, Card>, cards: readonly Card[]): string[] {
  cards.forEach(each => map.set(each.id, each));
  return cards.map(each => each.id);
}
