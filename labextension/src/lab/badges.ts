// Below each step's cell a pill that says what the step's state is, or what will be, and why.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { PanelLayout } from '@lumino/widgets';
import { followTheme } from '../view/theme';
import { Badge } from './badge';
import { goToCell } from './cells';
import { PLUGIN } from './names';
import { IPipelinePanel } from './panel';
import { settingOf } from './settings';
import type { NotebookWatch } from './watch';
import { IPipelineWatch } from './watch';

const INPUT_CLASS = 'jp-Cell-inputWrapper';
const TICK = 1000;

/** The badges of one notebook. */
class Badges {
  private readonly badges = new Map<Cell, Badge>();
  private readonly awaited = new WeakSet<Cell>();
  private planned = false;

  constructor(
    private readonly watch: NotebookWatch,
    private readonly panel: IPipelinePanel | null,
    private readonly wanted: () => boolean
  ) {
    const notebook = watch.panel;
    const endTheme = followTheme(notebook.node, () => undefined);
    const timer = setInterval(() => this.tick(), TICK);
    watch.changed.connect(() => this.plan());
    notebook.content.modelContentChanged.connect(() => this.plan());
    notebook.disposed.connect(() => {
      clearInterval(timer);
      endTheme();
    });
  }

  /** Once a frame, whatever comes. */
  plan(): void {
    if (!this.planned) {
      this.planned = true;
      requestAnimationFrame(() => {
        this.planned = false;
        if (!this.watch.panel.isDisposed) {
          this.draw();
        }
      });
    }
  }

  private draw(): void {
    const cells = new Set<Cell>(this.watch.panel.content.widgets);
    for (const cell of cells) {
      this.drawAt(cell);
    }
    for (const cell of this.badges.keys()) {
      if (!cells.has(cell)) {
        this.badges.delete(cell); // it was disposed of with its cell
      }
    }
  }

  private drawAt(cell: Cell): void {
    const node = this.wanted() ? this.watch.nodeOf(cell.model.id) : undefined;
    const badge = this.badges.get(cell);
    if (!node) {
      badge?.dispose();
      this.badges.delete(cell);
    } else if (badge) {
      badge.tell(node, this.watch);
    } else if (cell.isPlaceholder()) {
      this.drawWhenReady(cell);
    } else {
      const made = new Badge(() => this.open(cell));
      made.tell(node, this.watch);
      this.badges.set(cell, made);
      const layout = cell.layout as PanelLayout;
      const input = layout.widgets.findIndex(each => each.hasClass(INPUT_CLASS));
      layout.insertWidget(input + 1, made);
    }
  }

  /** Show why a step is as it is; of one that failed also the line. */
  private open(cell: Cell): void {
    const node = this.watch.nodeOf(cell.model.id);
    if (node?.status === 'failed' && node.line !== null) {
      void goToCell(this.watch.panel, node.cell, node.line + node.first - 1);
      this.panel?.show(node.id);
    } else if (node) {
      this.panel?.show(node.id, 'why');
    }
  }

  private drawWhenReady(cell: Cell): void {
    if (!this.awaited.has(cell)) {
      this.awaited.add(cell);
      void cell.ready.then(() => this.plan());
    }
  }

  private tick(): void {
    if (!document.hidden) {
      this.badges.forEach(badge => badge.tick());
    }
  }
}

export const badgesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:badges',
  description: 'Says below each step’s cell what its state is.',
  autoStart: true,
  requires: [INotebookTracker, IPipelineWatch],
  optional: [IPipelinePanel, ISettingRegistry],
  activate: (
    _,
    tracker: INotebookTracker,
    watches: IPipelineWatch,
    panel: IPipelinePanel | null,
    registry: ISettingRegistry | null
  ) => {
    const all = new Set<Badges>();
    const wanted = settingOf(registry, PLUGIN, 'badges', true, () => all.forEach(each => each.plan()));
    const decorate = (notebook: NotebookPanel): void => {
      const badges = new Badges(watches.of(notebook), panel, wanted);
      all.add(badges);
      notebook.disposed.connect(() => all.delete(badges));
      badges.plan();
    };
    tracker.forEach(decorate);
    tracker.widgetAdded.connect((_, notebook) => decorate(notebook));
  }
};
