// Loads nbpipe again into a kernel that was restarted, so that it can tell of the run that goes on.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { loadingCell } from './cells';
import { PLUGIN } from './names';
import { settingOf } from './settings';
import { IPipelineWatch } from './watch';

// Not by %load_ext: whoever runs that cell later would be told that nbpipe is loaded already.
const LOADING = "__import__('nbpipe').load_ipython_extension(get_ipython())";

export const revivePlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:revive',
  description: 'Loads nbpipe into a restarted kernel that had it; no step is registered or run by that.',
  autoStart: true,
  requires: [INotebookTracker, IPipelineWatch],
  optional: [ISettingRegistry],
  activate: (_, tracker: INotebookTracker, watches: IPipelineWatch, registry: ISettingRegistry | null) => {
    const wanted = settingOf(registry, PLUGIN, 'loadAfterRestart', true);
    const follow = (panel: NotebookPanel): void => {
      const { door } = watches.of(panel);
      door.changed.connect((_, state) => {
        const kernel = panel.sessionContext.session?.kernel;
        const cell = loadingCell(panel);
        if (state === 'absent' && door.returning && wanted() && kernel && cell) {
          const code = { code: LOADING, silent: true, store_history: false };
          kernel.requestExecute(code, true, { cellId: cell.model.id }); // with its cell, as a page sends it
        }
      });
    };
    tracker.forEach(follow);
    tracker.widgetAdded.connect((_, panel) => follow(panel));
  }
};
