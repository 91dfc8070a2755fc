// What a card tells in words and figures, whatever its size.

import { LOOKS } from '../../protocol';
import type { NodeCard } from '../../protocol';
import { duration, ticking } from '../words';

/** The status and what stands behind it: `failed · line 31`. */
export function wordsOf(card: NodeCard): string {
  const { detail, progress, status } = card;
  const behind = detail || (status === 'running' && progress !== null ? `${Math.floor(progress * 100)} %` : '');
  return behind ? `${status} · ${behind}` : status;
}

/** How long it has run, took, or will probably take. */
export function timeOf(card: NodeCard, now: number): string {
  if (card.started !== null) {
    return ticking(now - card.started);
  }
  if (card.seconds !== null) {
    return duration(card.seconds);
  }
  const planned = LOOKS[card.status]?.planned || card.status === 'queued';
  return card.estimate !== null && planned ? `~${duration(card.estimate)}` : '';
}

/** How far it is, from 0 to 1, and whether that is only an estimate; null where nobody knows. */
export function progressOf(card: NodeCard, now: number): { part: number; guessed: boolean } | null {
  if (card.status !== 'running') {
    return null;
  }
  if (card.progress !== null) {
    return { part: Math.min(1, Math.max(0, card.progress)), guessed: false };
  }
  if (card.estimate !== null && card.estimate > 0 && card.started !== null) {
    return { part: Math.min(0.95, Math.max(0, (now - card.started) / card.estimate)), guessed: true };
  }
  return null;
}

/** What a screen reader says. */
export function labelOf(card: NodeCard, stale: boolean): string {
  const members = card.members.length > 0 ? `group of ${card.members.length} steps` : '';
  const parts = [card.name, members, wordsOf(card), card.why, stale ? 'a step before it was edited' : ''];
  return parts.filter(each => each !== '').join(', ');
}
