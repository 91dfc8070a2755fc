// Cells of an open notebook: found, shown, inserted, run.

import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';

/** A notebook's cell by its id, or undefined. */
export function cellOf(panel: NotebookPanel, id: string): Cell | undefined {
  return panel.content.widgets.find(each => each.model.id === id);
}

/** The text of a cell. */
export function textOf(cell: Cell): string {
  return cell.model.sharedModel.getSource();
}

/** Bring a cell into view with the cursor at a line of it, from 1; false where the notebook has no such cell. */
export async function goToCell(panel: NotebookPanel, id: string, line = 1): Promise<boolean> {
  const notebook = panel.content;
  const index = notebook.widgets.findIndex(each => each.model.id === id);
  const cell = notebook.widgets[index];
  if (!cell) {
    return false;
  }
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'smart');
  await cell.ready;
  if (cell.inputHidden) {
    cell.inputHidden = false;
  }
  notebook.mode = 'edit';
  const editor = cell.editor;
  if (editor) {
    const place = { line: Math.min(Math.max(line, 1), editor.lineCount) - 1, column: 0 };
    editor.setCursorPosition(place);
    editor.revealPosition(place);
    editor.focus();
  }
  return true;
}

/** Insert a code cell at an index and make it the active one; the notebook's own undo takes it away again. */
export function insertCell(panel: NotebookPanel, index: number, text: string): void {
  const model = panel.content.model;
  if (!model) {
    return;
  }
  const at = Math.min(Math.max(index, 0), model.cells.length);
  model.sharedModel.transact(() => {
    model.sharedModel.insertCell(at, { cell_type: 'code', source: text, metadata: {} });
  });
  panel.content.activeCellIndex = at;
  panel.content.deselectAll();
}

/** Give a cell another text, which the notebook's own undo takes back; false where the notebook has no such cell. */
export function replaceCell(panel: NotebookPanel, id: string, text: string): boolean {
  const cell = cellOf(panel, id);
  cell?.model.sharedModel.transact(() => {
    cell.model.sharedModel.setSource(text);
  });
  return cell !== undefined;
}

/** Index below a cell; below the active one where there is no such cell. */
export function indexBelow(panel: NotebookPanel, id = ''): number {
  const index = panel.content.widgets.findIndex(each => each.model.id === id);
  return (index < 0 ? panel.content.activeCellIndex : index) + 1;
}

/** Run cells one after the other, as if by hand; those that are not in the notebook are left out. */
export async function runCells(panel: NotebookPanel, ids: readonly string[]): Promise<void> {
  const wanted = new Set(ids);
  const cells = panel.content.widgets.filter(each => wanted.has(each.model.id));
  await NotebookActions.runCells(panel.content, cells, panel.sessionContext);
}

export const LOAD = '%load_ext nbpipe';

/** The cell that loads nbpipe, or undefined. */
export function loadingCell(panel: NotebookPanel): Cell | undefined {
  return panel.content.widgets.find(
    each => each.model.type === 'code' && /^\s*%(re)?load_ext\s+nbpipe\b/m.test(textOf(each))
  );
}

/** Run the cell that loads nbpipe; one is put at the top where the notebook has none. */
export async function loadNbpipe(panel: NotebookPanel): Promise<void> {
  if (!loadingCell(panel)) {
    insertCell(panel, 0, LOAD);
  }
  const cell = loadingCell(panel);
  if (cell) {
    await runCells(panel, [cell.model.id]);
  }
}
