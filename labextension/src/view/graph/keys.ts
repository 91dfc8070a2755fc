// The graph by keyboard: Tab reaches one step, arrows go from there to its neighbours.

import type { ViewContext } from '../context';
import type { Canvas } from './canvas';
import { stepAt } from './gestures';

type Side = 'left' | 'right' | 'up' | 'down';

const SIDES: Readonly<Record<string, Side>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down'
};

/** What keys do beside moving the focus. */
export interface KeyActions {
  find(): void;
  menu(id: string): void;
}

/** Let the keyboard move through a canvas. */
export function followKeys(canvas: Canvas, context: ViewContext, actions: KeyActions): void {
  const { stage } = canvas;
  stage.addEventListener('focusin', event => {
    const id = stepAt(event);
    const box = id === null ? null : canvas.box(id);
    if (id !== null && box) {
      canvas.reach(id);
      canvas.view.reveal(box);
      stage.scrollTo(0, 0); // the browser scrolls to what has the focus; panning has done that already
    }
  });
  stage.addEventListener('keydown', event => {
    const id = stepAt(event);
    if (id !== null && !event.altKey && !event.ctrlKey && !event.metaKey && pressed(event, id)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });

  function pressed(event: KeyboardEvent, id: string): boolean {
    const side = SIDES[event.key];
    if (side) {
      canvas.focus(neighbour(canvas, context, id, side) ?? id);
      return true;
    }
    const act = keys[event.shiftKey && event.key === 'F10' ? 'ContextMenu' : event.key];
    act?.(id);
    return act !== undefined;
  }

  const choose = (id: string): void => {
    const group = (context.store.nodes.get(id)?.members.length ?? 0) > 0;
    if (group && context.store.selection === id) {
      context.store.openGroup(id);
    } else {
      context.store.select(id);
    }
  };
  const keys: Readonly<Record<string, (id: string) => void>> = {
    Enter: choose,
    ' ': choose,
    Home: () => canvas.focus(context.store.nodes.keys().next().value ?? ''),
    End: () => canvas.focus([...context.store.nodes.keys()].at(-1) ?? ''),
    '+': () => canvas.view.zoom(1.25),
    '-': () => canvas.view.zoom(0.8),
    '0': () => canvas.fit(),
    '/': () => actions.find(),
    f: () => actions.find(),
    ContextMenu: id => actions.menu(id),
    m: id => actions.menu(id)
  };
}

/** The nearest step on a side; along the way of the data rather one that an edge leads to. */
function neighbour(canvas: Canvas, { store }: ViewContext, id: string, side: Side): string | null {
  const here = canvas.box(id);
  const joined = new Set<string>();
  for (const { source, dest } of store.edges.values()) {
    if (source === id || dest === id) {
      joined.add(source === id ? dest : source);
    }
  }
  let best: string | null = null;
  let least = Infinity;
  for (const other of store.nodes.keys()) {
    const there = canvas.box(other);
    const way = here && there ? distance(here, there, side) : Infinity;
    const cost = joined.has(other) ? way / 3 : way;
    if (cost < least) {
      [best, least] = [other, cost];
    }
  }
  return best;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How far another box is on a side, what lies off to the side counted threefold; infinite on any other side. */
function distance(here: Box, there: Box, side: Side): number {
  const across = there.x + there.width / 2 - here.x - here.width / 2;
  const down = there.y + there.height / 2 - here.y - here.height / 2;
  const level = side === 'left' || side === 'right';
  const ahead = (level ? across : down) * (side === 'left' || side === 'up' ? -1 : 1);
  const off = Math.abs(level ? down : across);
  return ahead > 1 && off < 4 * ahead ? ahead + 3 * off : Infinity;
}
