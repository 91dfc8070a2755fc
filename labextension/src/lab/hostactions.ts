// What views ask of the page: go to a cell, open a file, insert and run cells, make a step.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';
import type { HostActions } from '../view/host';
import { HOST_EVENT } from '../view/host';
import type { HostMessage } from '../protocol';
import { goToCell, indexBelow, insertCell, replaceCell, runCells } from './cells';
import { IPipelineDoor } from './door';
import { MAKE_STEP } from './names';

type Detail = { [Name in keyof HostActions]: { action: Name } & HostActions[Name] }[keyof HostActions];

/** Put a cell into a notebook as its kernel asks: in place of one, or below the active one. */
function put(panel: NotebookPanel, asked: HostMessage): void {
  if (!asked.cell || !replaceCell(panel, asked.cell, asked.text)) {
    insertCell(panel, indexBelow(panel), asked.text);
  }
}

class HostOfViews {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker,
    private readonly documents: IDocumentManager | null,
    doors: IPipelineDoor
  ) {
    document.addEventListener(HOST_EVENT, event => this.hear(event as CustomEvent<Detail>));
    tracker.widgetAdded.connect((_, panel) => {
      doors.of(panel.sessionContext).asked.connect((_, asked) => put(panel, asked));
    });
  }

  private hear(event: CustomEvent<Detail>): void {
    const panel = this.notebookOf(event.target as Node);
    if (panel && (event.detail.action !== 'open-file' || this.documents)) {
      event.preventDefault(); // it is taken
      void this.act(panel, event.detail);
    }
  }

  /** The notebook that a view stands in; that in front, for a view beside the notebooks. */
  private notebookOf(node: Node): NotebookPanel | null {
    return this.tracker.find(panel => panel.node.contains(node)) ?? this.tracker.currentWidget;
  }

  private async act(panel: NotebookPanel, detail: Detail): Promise<void> {
    switch (detail.action) {
      case 'go-to-cell':
        this.app.shell.activateById(panel.id);
        await goToCell(panel, detail.cell, detail.line);
        break;
      case 'open-file':
        await this.openFile(PathExt.join(PathExt.dirname(panel.context.path), detail.path), detail.line);
        break;
      case 'insert-cell':
        insertCell(panel, indexBelow(panel, detail.after), detail.text);
        if (detail.run && panel.content.activeCell) {
          await runCells(panel, [panel.content.activeCell.model.id]);
        }
        break;
      case 'run-cells':
        await runCells(panel, detail.cells);
        break;
      case 'make-step':
        await this.app.commands.execute(MAKE_STEP);
        break;
      case 'present':
        break;
    }
  }

  private async openFile(path: string, line: number): Promise<void> {
    const opened = this.documents?.openOrReveal(path);
    if (!opened) {
      return;
    }
    await opened.context.ready;
    const editor = (opened.content as Widget & { editor?: CodeEditor.IEditor }).editor;
    if (editor) {
      const place = { line: Math.max(line, 1) - 1, column: 0 };
      editor.setCursorPosition(place);
      editor.revealPosition(place);
      editor.focus();
    }
  }
}

export const hostPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:host',
  description: 'Does for views what only the page can: goes to cells, opens files, inserts and runs cells.',
  autoStart: true,
  requires: [INotebookTracker, IPipelineDoor],
  optional: [IDocumentManager],
  activate: (app, tracker: INotebookTracker, doors: IPipelineDoor, documents: IDocumentManager | null) => {
    new HostOfViews(app, tracker, documents, doors);
  }
};
