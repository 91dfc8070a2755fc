// One pill: glyph and words of a step's state, in its colours.

import { Widget } from '@lumino/widgets';
import type { NodeCard } from '../protocol';
import { LOOKS } from '../protocol';
import { button, element } from '../view/elements';
import { glyph } from '../view/glyph';
import { duration } from '../view/words';
import type { NotebookWatch } from './watch';

export const EDITED = 'edited: run the cell to register';

/** What a badge says, and in which state's colours. */
export function wordsOf(node: NodeCard, edited: boolean, above: string | undefined): { status: string; text: string } {
  if (edited) {
    return { status: 'edited', text: EDITED };
  }
  if (above !== undefined) {
    return { status: 'edited', text: `may change: ${above} is edited` };
  }
  return { status: node.status, text: node.status === 'running' ? runningText(node) : node.badge };
}

/** `running 12 s · 62 %`; the seconds are counted here, not sent. */
function runningText(node: NodeCard): string {
  const seconds = node.started === null ? '' : ` ${duration(Math.max(0, Date.now() / 1000 - node.started))}`;
  const share = node.progress === null ? '' : ` · ${Math.round(node.progress * 100)} %`;
  return `running${seconds}${share}`;
}

/** The pill below a cell. */
export class Badge extends Widget {
  private readonly pill = button(null, { class: 'lab-badge', click: () => this.opened() });
  private readonly text = element('span', { class: 'lab-badge-text' });
  private node_: NodeCard | null = null;
  private shape = '';

  constructor(private readonly opened: () => void) {
    super();
    this.addClass('nbpipe-lab-badge-line');
    this.node.append(this.pill);
  }

  /** Take over a step's newest card. */
  tell(node: NodeCard, watch: NotebookWatch): void {
    const { status, text } = wordsOf(node, watch.edited.has(node.id), watch.editedAbove(node));
    this.node_ = status === 'running' ? node : null;
    if (status !== this.shape) {
      this.shape = status;
      this.pill.dataset['status'] = status.replaceAll(' ', '-');
      this.pill.dataset['hue'] = LOOKS[status]?.hue ?? 'idle';
      this.pill.replaceChildren(glyph(status, 14), this.text);
    }
    this.pill.dataset['step'] = node.id;
    this.pill.title = [node.why, node.advice, 'Click to see why.'].filter(each => each !== '').join('\n');
    this.say(text);
  }

  /** Count the seconds of what runs. */
  tick(): void {
    if (this.node_) {
      this.say(runningText(this.node_));
    }
  }

  private say(text: string): void {
    if (this.text.textContent !== text) {
      this.text.textContent = text;
    }
  }
}
