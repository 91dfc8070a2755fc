// Which of a graph's layouts is shown: the user's choice, or the one that has to be made less small.

import type { LayoutCard } from '../../protocol';
import type { Direction } from '../store';
import type { Extent } from './viewport';
import { fitting } from './viewport';

/** How much less small the unusual direction has to be before it is taken. */
const CLEARLY = 1.15;

/**
 * Choose a layout.
 *
 * @param layouts of one graph, one a direction
 * @param chosen by the user, or kept from before; null: nobody has
 * @param usual direction where the view stands
 * @param room that it has at most; of no width while nobody knows
 */
export function chooseLayout(
  layouts: readonly LayoutCard[],
  chosen: Direction | null,
  usual: Direction,
  room: Extent
): LayoutCard | null {
  const found = (direction: Direction): LayoutCard | undefined =>
    layouts.find(each => each.direction === direction);
  const first = found(chosen ?? usual) ?? layouts[0] ?? null;
  const other = layouts.find(each => each !== first);
  if (chosen !== null || !first || !other || room.width === 0) {
    return first;
  }
  return fitting(other, room) > CLEARLY * fitting(first, room) ? other : first;
}
