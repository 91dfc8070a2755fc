// What is lit and what fades: the way that the selected step shows, the chips' filter, and what was searched for.

import { followers, needs } from '../kin';
import type { Store } from '../store';

export interface Light {
  /** Steps and data that do not fade; null where nothing does. */
  readonly nodes: ReadonlySet<string> | null;
  /** Edges on the way that is shown. */
  readonly trail: ReadonlySet<string>;
}

/** The light that a store's selection, filter and search throw. */
export function lightOf(store: Store): Light {
  const way = wayOf(store);
  const trail = new Set<string>();
  if (way) {
    for (const edge of store.edges.values()) {
      if (way.links(edge.source, edge.dest)) {
        trail.add(edge.id);
      }
    }
  }
  const words = store.sought.trim().toLowerCase();
  if (!way && store.filter.size === 0 && words === '') {
    return { nodes: null, trail };
  }
  const nodes = new Set<string>();
  for (const { id, name, status } of store.nodes.values()) {
    const wanted = store.filter.size === 0 || store.filter.has(status);
    if (wanted && (!way || way.nodes.has(id)) && name.toLowerCase().includes(words)) {
      nodes.add(id);
    }
  }
  if (store.filter.size === 0 && words === '') {
    way?.nodes.forEach(each => nodes.add(each)); // data that no step makes too
  }
  return { nodes, trail };
}

interface Way {
  readonly nodes: ReadonlySet<string>;
  readonly links: (source: string, dest: string) => boolean;
}

/** From the selected step to its root cause, or all that it needs, or all that depends on it; null where nothing is. */
function wayOf(store: Store): Way | null {
  const chosen = store.selected;
  if (chosen === null) {
    return null;
  }
  if (store.trail === 'cause') {
    const way = chosen.cause.includes(chosen.id) ? chosen.cause : [...chosen.cause, chosen.id];
    const places = new Map(way.map((id, place) => [id, place]));
    const links = (source: string, dest: string): boolean => {
      const from = places.get(source);
      return from !== undefined && places.get(dest) === from + 1;
    };
    return way.length > 1 ? { nodes: new Set(way), links } : null;
  }
  const found = (store.trail === 'needs' ? needs : followers)(store.edges.values(), [chosen.id]).add(chosen.id);
  return { nodes: found, links: (source, dest) => found.has(source) && found.has(dest) };
}
