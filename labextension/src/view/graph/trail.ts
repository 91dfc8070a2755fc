// What is lit and what fades: the way that the selected step shows, the chips' filter, and what was searched for.

import type { NodeCard } from '../../protocol';
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
  const edges = way === null ? [] : [...store.edges.values()];
  const trail = new Set(edges.filter(each => way?.links(each.source, each.dest)).map(each => each.id));
  const words = store.sought.trim().toLowerCase();
  if (store.filter.size === 0 && words === '') {
    return { nodes: way?.nodes ?? null, trail };
  }
  const wanted = (each: NodeCard): boolean =>
    (store.filter.size === 0 || [each.status, ...Object.keys(each.counts)].some(word => store.filter.has(word))) &&
    (way === null || way.nodes.has(each.id)) &&
    each.name.toLowerCase().includes(words);
  return { nodes: new Set([...store.nodes.values()].filter(wanted).map(each => each.id)), trail };
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
