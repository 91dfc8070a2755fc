// "Run this step, with what it needs": a command, and the button that a step's cell has for it.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { runIcon } from '@jupyterlab/ui-components';
import type { NodeCard } from '../protocol';
import { runCells } from './cells';
import { RUN_STEP } from './names';
import { IPipelinePanel } from './panel';
import type { NotebookWatch } from './watch';
import { IPipelineWatch } from './watch';

/** Run a step; its cell is registered first where it was edited. */
async function runStep(watch: NotebookWatch, node: NodeCard, panel: IPipelinePanel | null): Promise<void> {
  if (watch.edited.has(node.id)) {
    await runCells(watch.panel, [node.cell]);
  }
  panel?.open();
  const store = panel?.view?.store ?? watch.stores.find(each => each.nodes.has(node.id));
  await store?.ask('run', { only: [node.id] });
}

export const runButtonPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:run-button',
  description: 'Runs the step of a cell, with what it needs.',
  autoStart: true,
  requires: [INotebookTracker, IPipelineWatch],
  optional: [IPipelinePanel],
  activate: (app, tracker: INotebookTracker, watches: IPipelineWatch, panel: IPipelinePanel | null) => {
    const active = (): { watch: NotebookWatch; node: NodeCard } | undefined => {
      const watch = watches.current;
      const node = watch && tracker.activeCell ? watch.nodeOf(tracker.activeCell.model.id) : undefined;
      return watch && node ? { watch, node } : undefined;
    };
    app.commands.addCommand(RUN_STEP, {
      label: 'Run This Step',
      caption: 'Run this step with what it needs',
      icon: runIcon,
      isVisible: () => active() !== undefined,
      isEnabled: () => active() !== undefined,
      execute: async () => {
        const found = active();
        if (found) {
          await runStep(found.watch, found.node, panel);
        }
      }
    });
    const notify = (): void => app.commands.notifyCommandChanged(RUN_STEP);
    const hear = (watch: NotebookWatch): void => void watch.changed.connect(notify);
    tracker.forEach(each => hear(watches.of(each)));
    tracker.widgetAdded.connect((_, each) => hear(watches.of(each)));
    tracker.activeCellChanged.connect(notify);
  }
};
