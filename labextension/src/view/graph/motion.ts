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
  const next = new Map<string, string[]>();
  const waiting = new Map<string, number>();
  for (const { source, dest } of edges) {
    if (stale.has(source) && stale.has(dest)) {
      next.set(source, [...(next.get(source) ?? []), dest]);
      waiting.set(dest, (waiting.get(dest) ?? 0) + 1);
    }
  }
  const ranks = new Map<string, number>();
  let rank = [...stale].filter(each => !waiting.has(each));
  for (let depth = 0; rank.length > 0; depth += 1) {
    const following: string[] = [];
    for (const id of rank) {
      ranks.set(id, depth);
      for (const dest of next.get(id) ?? []) {
        const left = (waiting.get(dest) ?? 1) - 1;
        waiting.set(dest, left);
        if (left === 0) {
          following.push(dest);
        }
      }
    }
    rank = following;
  }
  const deepest = Math.max(1, ...ranks.values());
  const pace = Math.min(STEP, LONGEST / deepest);
  return new Map([...ranks].map(([id, depth]) => [id, depth * pace]));
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
