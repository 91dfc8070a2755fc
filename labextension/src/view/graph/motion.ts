// What moves: the ripple of an edit, the pulse of a change, cards that glide to a new place. Nothing else does.

import { LOOKS } from '../../protocol';
import type { EdgeCard } from '../../protocol';

const STEP = 60; // milliseconds between two ranks of the ripple
const LONGEST = 600; // of the whole ripple
const MOST_NODES = 200;

const still = matchMedia('(prefers-reduced-motion: reduce)');

/** Whether a graph of so many nodes may move. */
export function moves(nodes: number): boolean {
  return !still.matches && nodes <= MOST_NODES;
}

/** Whether a change of status means that a result is no longer good: it will be made again, or may be. */
export function wentStale(before: string, now: string): boolean {
  const good = before === 'will reuse' || !LOOKS[before]?.planned;
  return good && now !== 'will reuse' && LOOKS[now]?.planned === true;
}

/** Milliseconds after which each stale step shows it, rank by rank from where the edit was. */
export function ripple(edges: Iterable<EdgeCard>, stale: ReadonlySet<string>): Map<string, number> {
  const inner = [...edges].filter(each => stale.has(each.source) && stale.has(each.dest));
  const ranks = new Map([...stale].map(id => [id, 0]));
  let moved = true;
  for (let round = 0; moved && round < stale.size; round += 1) {
    moved = false;
    for (const { source, dest } of inner) {
      const rank = (ranks.get(source) ?? 0) + 1;
      if (rank > (ranks.get(dest) ?? 0)) {
        ranks.set(dest, rank);
        moved = true;
      }
    }
  }
  const pace = Math.min(STEP, LONGEST / Math.max(1, ...ranks.values()));
  return new Map([...ranks].map(([id, rank]) => [id, rank * pace]));
}

/** One pulse of a card whose status changed. */
export function pulse(body: SVGGElement): void {
  body.animate([{ transform: 'scale(1)' }, { transform: 'scale(1.06)' }, { transform: 'scale(1)' }], {
    duration: 180,
    easing: 'ease-in-out'
  });
}

/** Let a card glide to where it now stands, from `across` and `down` beside it. */
export function glide(body: SVGGElement, across: number, down: number): void {
  body.animate([{ transform: `translate(${across}px, ${down}px)` }, { transform: 'none' }], {
    duration: 200,
    easing: 'ease-out'
  });
}

/** Let something come into sight. */
export function appear(part: SVGGElement): void {
  part.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 200 });
}
