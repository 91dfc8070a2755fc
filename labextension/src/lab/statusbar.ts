// One line in the status bar: "3 of 7 · 1 failed".

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Widget } from '@lumino/widgets';
import { SETTLED } from '../protocol';
import type { NodeCard } from '../protocol';
import { button } from '../view/elements';
import { IPipelinePanel } from './panel';
import type { NotebookWatch } from './watch';
import { IPipelineWatch } from './watch';

/** What the line says of some steps; empty for none. */
export function lineOf(nodes: Iterable<NodeCard>): string {
  const words = [...nodes].flatMap(wordsOf);
  if (words.length === 0) {
    return '';
  }
  const count = (...wanted: string[]): number => words.filter(each => wanted.includes(each)).length;
  const settled = count(...SETTLED);
  const parts = [
    settled > 0 || count('running', 'queued') > 0 ? `${settled} of ${words.length}` : `${words.length} steps`,
    ...['failed', 'running', 'will run', 'new'].map(word => (count(word) > 0 ? `${count(word)} ${word}` : ''))
  ];
  return parts.filter(each => each !== '').join(' · ');
}

/** A group stands for its members. */
function wordsOf(node: NodeCard): string[] {
  const counts = Object.entries(node.counts);
  return counts.length > 0 ? counts.flatMap(([word, count]) => Array<string>(count).fill(word)) : [node.status];
}

class StatusLine extends Widget {
  private readonly line = button('', { class: 'lab-status' });
  private watch: NotebookWatch | null = null;

  constructor(panel: IPipelinePanel) {
    super();
    this.id = 'nbpipe-status';
    this.line.title = 'Open the pipeline panel';
    this.line.addEventListener('click', () => panel.open());
    this.node.append(this.line);
    this.draw();
  }

  follow(watch: NotebookWatch | null): void {
    this.watch?.changed.disconnect(this.draw);
    this.watch = watch;
    watch?.changed.connect(this.draw);
    this.draw();
  }

  private readonly draw = (): void => {
    const text = lineOf(this.watch?.stores[0]?.nodes.values() ?? []);
    this.line.textContent = text;
    this.setHidden(text === '');
  };
}

export const statusBarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:status-bar',
  description: 'Says in the status bar how far the pipeline of the notebook in front is.',
  autoStart: true,
  requires: [IPipelineWatch, IPipelinePanel],
  optional: [IStatusBar],
  activate: (_, watches: IPipelineWatch, panel: IPipelinePanel, bar: IStatusBar | null) => {
    if (bar) {
      const item = new StatusLine(panel);
      watches.currentChanged.connect((_, watch) => item.follow(watch));
      item.follow(watches.current);
      bar.registerStatusItem(item.id, { item, align: 'left', rank: 50 });
    }
  }
};
