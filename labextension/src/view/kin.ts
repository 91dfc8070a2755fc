// Who comes before and after whom in a graph.

import type { EdgeCard } from '../protocol';

/** All that depends on these steps, however far. */
export function followers(edges: Iterable<EdgeCard>, from: Iterable<string>): Set<string> {
  return reached(edges, from, 'source', 'dest');
}

/** All that these steps need, however far. */
export function needs(edges: Iterable<EdgeCard>, from: Iterable<string>): Set<string> {
  return reached(edges, from, 'dest', 'source');
}

function reached(
  edges: Iterable<EdgeCard>,
  from: Iterable<string>,
  here: 'source' | 'dest',
  there: 'source' | 'dest'
): Set<string> {
  const next = new Map<string, string[]>();
  for (const edge of edges) {
    const found = next.get(edge[here]);
    if (found) {
      found.push(edge[there]);
    } else {
      next.set(edge[here], [edge[there]]);
    }
  }
  const seen = new Set<string>();
  const waiting = [...from];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    for (const other of next.get(id) ?? []) {
      if (!seen.has(other)) {
        seen.add(other);
        waiting.push(other);
      }
    }
  }
  return seen;
}
