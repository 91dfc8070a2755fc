// The drawing of a graph: made once for a layout, then kept up to date card by card.

import type { BoxCard, GraphMessage, LayoutCard } from '../../protocol';
import type { ViewContext } from '../context';
import { drawn, element } from '../elements';
import type { Change, Store } from '../store';
import { Card } from './card';
import type { Form, Shown } from './card';
import { chooseLayout } from './choice';
import { label, Line, pill, tag } from './furniture';
import { enlarged } from './large';
import { appear, glide, moves, pulse, ripple, wentStale } from './motion';
import { Ruler } from './text';
import { lightOf } from './trail';
import type { Light } from './trail';
import { Viewport } from './viewport';

const FAR = 0.45; // scale below which only glyphs are drawn
const LEAST_HEIGHT = 220;
const MOST_HEIGHT = 520;
const ROOM_AROUND = 48;

export class Canvas {
  readonly stage = element('div', { class: 'stage' });
  readonly view = new Viewport(() => this.#moved());
  ruler = new Ruler('sans-serif', 'monospace');
  layout: LayoutCard | null = null;
  readonly #svg = drawn('svg', { class: 'nbpipe-canvas', role: 'group' });
  readonly #world = drawn('g', { class: 'nbpipe-world' });
  readonly #layers = {
    edges: drawn('g', { class: 'nbpipe-edges', 'aria-hidden': 'true' }),
    labels: drawn('g', { 'aria-hidden': 'true' }),
    around: drawn('g'),
    nodes: drawn('g')
  };
  readonly #cards = new Map<string, Card>();
  readonly #lines = new Map<string, Line>();
  readonly #pills = new Map<string, SVGGElement>();
  readonly #drawnStatus = new Map<string, string>();
  readonly #timers = new Map<string, number>();
  readonly #store: Store;
  readonly #hearers = new Set<() => void>();
  #light: Light = { nodes: null, trail: new Set() };
  #far = false;
  #placed = false;

  constructor(private readonly context: ViewContext) {
    this.#store = context.store;
    this.#world.append(...Object.values(this.#layers));
    this.#svg.append(this.#world);
    this.stage.append(this.#svg);
  }

  /** Hear when another part is seen; returns what stops it. */
  onMove(hear: () => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  /** Where a step or data stands, as large as it is drawn. */
  box(id: string): BoxCard | null {
    return this.#enlarged(id) ?? this.layout?.boxes[id] ?? null;
  }

  /** How a step is to be drawn: large where it is selected and has room, not at all out of sight. */
  form(id: string): Form {
    const box = this.box(id);
    if (!box || !this.layout || !this.view.sees(box)) {
      return 'away';
    }
    return this.#far ? 'far' : this.#enlarged(id) ? 'L' : this.layout.size;
  }

  card(id: string): SVGGElement | null {
    return this.#cards.get(id)?.element ?? null;
  }

  /** Give a step the focus; the page does not scroll for it. */
  focus(id: string): void {
    this.#cards.get(id)?.button.focus({ preventScroll: true });
  }

  /** Let Tab reach this step, and no other. */
  reach(id: string): void {
    this.#cards.forEach((card, each) => card.button.setAttribute('tabindex', each === id ? '0' : '-1'));
  }

  /** The stage has another size, in pixels. */
  resize(width: number, height: number): void {
    const known = this.view.stage.width > 0;
    this.view.stage = { width, height };
    if (width > 0 && this.layout && !known) {
      this.#draw();
    } else if (width > 0 && this.layout) {
      this.#show();
    }
  }

  /** Something changed in the store. */
  hear(change: Change): void {
    if (change.kind === 'graph' || change.kind === 'direction') {
      this.view.free = this.view.free && change.kind === 'graph';
      this.#draw();
    } else if (change.kind === 'patch') {
      this.#patch(change);
    } else if (change.kind !== 'notice') {
      this.#relight();
    }
  }

  /** A second has passed. */
  tick(): void {
    const now = Date.now() / 1000;
    for (const node of this.#store.nodes.values()) {
      if (node.started !== null) {
        this.#cards.get(node.id)?.tick(node, now);
      }
    }
  }

  /** Fonts or colours are others: everything is measured again. */
  restyle(ruler: Ruler): void {
    this.ruler = ruler;
    this.#cards.clear();
    this.#draw();
  }

  /** Show the whole, whatever its scale. */
  fit(): void {
    this.view.fit(false);
  }

  dispose(): void {
    this.#timers.forEach(each => window.clearTimeout(each));
    this.#hearers.clear();
  }

  #draw(): void {
    const graph = this.#store.graph;
    if (this.view.stage.width === 0) {
      this.view.stage = { width: this.stage.clientWidth, height: this.stage.clientHeight };
    }
    const layout = graph && this.#choose(graph);
    this.layout = layout;
    this.#settle();
    if (!graph || !layout) {
      return;
    }
    const moving = moves(graph.nodes.length);
    this.#svg.classList.toggle('nbpipe-moves', moving);
    this.#svg.setAttribute('aria-label', `Steps of ${graph.head.pipeline}`);
    this.view.drawing = { width: layout.width, height: layout.height };
    this.#light = lightOf(this.#store);
    this.#drawAround(graph, layout);
    this.#show();
    this.#drawNodes(graph, layout, moving);
    this.#spread();
  }

  /** Fit the drawing into the stage, unless the user has chosen what is seen. */
  #show(): void {
    const { stage, drawing } = this.view;
    if (this.context.hosted === 'cell' && stage.width > 0) {
      const scale = Math.max(0.6, Math.min(1, (stage.width - ROOM_AROUND) / Math.max(1, drawing.width)));
      const wanted = Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, drawing.height * scale + ROOM_AROUND));
      this.stage.style.height = `${Math.round(wanted)}px`;
      this.view.stage = { width: stage.width, height: Math.round(wanted) };
    }
    if (!this.view.free) {
      this.view.fit(true);
    } else {
      this.#moved();
    }
  }

  /** The layout that is shown: of the same steps the one in the same direction, so that they keep their places. */
  #choose(graph: GraphMessage): LayoutCard | null {
    const inCell = this.context.hosted === 'cell';
    const before = this.#drawnStatus;
    const same = graph.nodes.length === before.size && graph.nodes.every(each => before.has(each.id));
    const kept = same && this.#placed ? (this.layout?.direction ?? null) : null;
    const { width, height } = this.view.stage;
    const room = { width, height: inCell ? MOST_HEIGHT : height };
    this.#placed = width > 0;
    return chooseLayout(graph.layouts, this.#store.direction ?? kept, inCell ? 'right' : 'down', room);
  }

  #drawAround(graph: GraphMessage, layout: LayoutCard): void {
    const { edges, labels, around } = this.#layers;
    this.#lines.clear();
    this.#pills.clear();
    const ways = new DocumentFragment();
    const names = new DocumentFragment();
    for (const edge of this.#store.edges.values()) {
      const line = new Line(edge.id, layout);
      this.#lines.set(edge.id, line);
      ways.append(line.line, line.head);
      const at = layout.labels[edge.id];
      if (at && edge.labels.length > 0) {
        names.append(label(edge, at, this.ruler));
      }
    }
    const others = new DocumentFragment();
    for (const way of Object.values(layout.hairs)) {
      others.append(drawn('path', { class: 'nbpipe-hair', d: way, 'aria-hidden': 'true' }));
    }
    for (const data of this.#store.data.values()) {
      const box = layout.boxes[data.id];
      if (box) {
        this.#pills.set(data.id, pill(data, box, layout.size, this.ruler));
      }
    }
    others.append(...this.#pills.values());
    for (const parameter of graph.parameters) {
      const box = layout.tags[parameter.name];
      if (box) {
        others.append(tag(parameter, box, this.ruler));
      }
    }
    edges.replaceChildren(ways);
    labels.replaceChildren(names);
    around.replaceChildren(others);
  }

  #drawNodes(graph: GraphMessage, layout: LayoutCard, moving: boolean): void {
    const active = document.activeElement?.closest('[data-step]');
    const focused = active && this.#layers.nodes.contains(active) ? active.getAttribute('data-step') : null;
    const before = new Map([...this.#cards].map(([id, card]) => [id, card.element.getAttribute('transform')]));
    const kept = new Set(graph.nodes.map(each => each.id));
    [...this.#cards.keys()].filter(each => !kept.has(each)).forEach(each => this.#cards.delete(each));
    this.#drawnStatus.clear();
    const nodes = new DocumentFragment();
    for (const [id, box] of graph.nodes.map(each => [each.id, layout.boxes[each.id]] as const)) {
      if (box) {
        const card = this.#cards.get(id) ?? new Card(id, this.ruler);
        this.#cards.set(id, card);
        this.#redraw(id);
        card.element.setAttribute('transform', `translate(${box.x} ${box.y})`);
        this.#drift(card, before.get(id), box, moving);
        nodes.append(card.element);
      }
    }
    if (moving && before.size > 0 && before.size !== this.#cards.size) {
      appear(this.#layers.edges);
    }
    this.#layers.nodes.replaceChildren(nodes);
    this.#rove(focused);
  }

  #drift(card: Card, from: string | null | undefined, box: BoxCard, moving: boolean): void {
    const was = from?.match(/-?[\d.]+/g)?.map(Number);
    if (moving && was?.[0] !== undefined && was[1] !== undefined && (was[0] !== box.x || was[1] !== box.y)) {
      glide(card.body, was[0] - box.x, was[1] - box.y);
    }
  }

  /** One card can be reached by Tab: the focused one, the selected one, or the first. */
  #rove(focused: string | null): void {
    const id = focused ?? this.#store.selection ?? this.#cards.keys().next().value;
    if (id !== undefined) {
      this.reach(id);
    }
    if (focused !== null) {
      this.focus(focused);
    }
  }

  #patch(change: Extract<Change, { kind: 'patch' }>): void {
    const graph = this.#store.graph;
    const layout = this.layout;
    if (!graph || !layout) {
      return;
    }
    const moving = moves(graph.nodes.length);
    const anew = change.parameters || change.data.length > 0 || change.edges.some(each => layout.labels[each]);
    if (anew) {
      this.#drawAround(graph, layout);
    }
    this.#renewAll(change.nodes, moving);
    this.#light = lightOf(this.#store);
    this.#spread(anew || this.#light.nodes !== null ? undefined : change.edges);
  }

  /** Steps are others: those that went stale show it one rank after the other. */
  #renewAll(changed: readonly string[], moving: boolean): void {
    const delays = this.#delays(moving ? changed : []);
    for (const id of changed) {
      this.#later(id, delays.get(id) ?? 0, moving);
    }
  }

  /** Milliseconds after which each step that went stale shows it. */
  #delays(changed: readonly string[]): Map<string, number> {
    const now = (id: string): string => this.#store.nodes.get(id)?.status ?? '';
    const stale = changed.filter(id => wentStale(this.#drawnStatus.get(id) ?? '', now(id)));
    return ripple(this.#store.edges.values(), new Set(stale));
  }

  #later(id: string, delay: number, moving: boolean): void {
    window.clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (delay === 0) {
      this.#renew(id, moving);
    } else {
      this.#timers.set(id, window.setTimeout(() => this.#later(id, 0, moving), delay));
    }
  }

  /** What still waits for its turn in a ripple is drawn at once. */
  #settle(): void {
    this.#timers.forEach(each => window.clearTimeout(each));
    this.#timers.clear();
  }

  /** Draw a card's new state, with a pulse where its status is another. */
  #renew(id: string, moving: boolean): void {
    const before = this.#drawnStatus.get(id);
    this.#redraw(id);
    const card = this.#cards.get(id);
    if (moving && card && before !== this.#drawnStatus.get(id)) {
      pulse(card.body);
    }
  }

  #redraw(id: string): void {
    const box = this.layout?.boxes[id];
    const shown = this.#shown(id);
    const card = this.#cards.get(id);
    const ground = this.box(id);
    if (box && ground && shown && card) {
      this.#drawnStatus.set(id, shown.card.status);
      card.draw(shown, box, ground, this.form(id), Date.now() / 1000);
      card.element.classList.toggle('nbpipe-lit', this.#light.nodes?.has(id) ?? false);
    }
  }

  /** A card with the host's marks: a step whose cell was edited says so, unless it runs right now. */
  #shown(id: string): Shown | null {
    const node = this.#store.nodes.get(id);
    if (!node) {
      return null;
    }
    const edited = this.#store.edited.has(id) && node.status !== 'running' && node.status !== 'queued';
    const why = `${node.cell_label || 'its cell'} changed, not yet run`;
    const card = edited ? { ...node, status: 'edited', detail: '', why } : node;
    return { card, stale: this.#store.stale.has(id), selected: this.#store.selection === id };
  }

  /** Where the selected step has room for its large card, which covers no other step, data or parameter. */
  #enlarged(id: string): BoxCard | null {
    const { layout } = this;
    const box = layout?.boxes[id];
    if (!box || id !== this.#store.selection || layout.size !== 'M' || this.#far || !this.#store.nodes.has(id)) {
      return null;
    }
    const others = [...Object.values(layout.boxes), ...Object.values(layout.tags)].filter(each => each !== box);
    return enlarged(box, others);
  }

  /** Selection, filter or marks are others. */
  #relight(): void {
    this.#light = lightOf(this.#store);
    this.#cards.forEach((_, id) => this.#redraw(id));
    this.#spread();
  }

  /** Let the light fall on the lines: on all, or on those that are named. */
  #spread(named: Iterable<string> = this.#lines.keys()): void {
    const { nodes, trail } = this.#light;
    this.#svg.classList.toggle('nbpipe-dim', nodes !== null);
    this.#pills.forEach((each, id) => each.classList.toggle('nbpipe-lit', nodes?.has(id) ?? false));
    for (const id of named) {
      const edge = this.#store.edges.get(id);
      if (edge) {
        const lit = nodes !== null && nodes.has(edge.source) && nodes.has(edge.dest);
        this.#lines.get(id)?.draw(edge, trail.has(id), trail.has(id) || lit);
      }
    }
  }

  #moved(): void {
    const { x, y, scale } = this.view;
    this.#world.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})`);
    const far = this.layout?.size !== 'XS' && scale < FAR;
    this.#far = far;
    this.#svg.classList.toggle('nbpipe-away', far);
    this.#cards.forEach((card, id) => card.form !== this.form(id) && this.#redraw(id));
    this.#hearers.forEach(hear => hear());
  }
}
