// What a tab of the inspector is, and what it is given.

import type { NodeCard, WhyAnswer } from '../../protocol';
import type { Tab, ViewContext } from '../context';

export interface PaneContext extends ViewContext {
  /** Open another tab for the same step. */
  open(tab: Tab): void;
  /** Why the step runs or ran, asked once for all tabs. */
  why(): Promise<WhyAnswer>;
}

export interface Pane {
  /** Draw what belongs to a step; again, where its card changed in something that the pane `tells`. */
  show(node: NodeCard): void;
  /** What of a card the pane's content depends on: while it stays equal, nothing is asked again. */
  tells(node: NodeCard): string;
  dispose(): void;
}

/** Makes a pane in an empty place. */
export type MakePane = (place: HTMLElement, context: PaneContext) => Pane;

/** Changes when a step's state does, but not with each sign of life of a running one. */
export function stateOf(node: NodeCard): string {
  return [node.status, node.key, node.why, node.started, node.seconds, node.line].join('\n');
}
