// "Make this cell a step": shows the new cell that the kernel writes, asks what it asks, inserts it below the old one.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Debouncer } from '@lumino/polling';
import { Widget } from '@lumino/widgets';
import type { CellText } from '../protocol';
import { element } from '../view/elements';
import { Link, Refused } from '../view/link';
import { indexBelow, insertCell, textOf } from './cells';
import { isStep } from './magicline';
import { MAKE_STEP } from './names';
import type { NotebookWatch } from './watch';
import { IPipelineWatch } from './watch';

const SETTLE = 300; // milliseconds after a key press

type Ask = (name: string, answers: Readonly<Record<string, string>>) => Promise<CellText>;

/** The dialog's content: name, questions, the new cell. */
class MakeStepForm extends Widget implements Dialog.IBodyWidget {
  private readonly name = element('input', { attributes: { spellcheck: 'false' } });
  private readonly questions = element('div');
  private readonly notes = element('div');
  private readonly preview = element('pre', { attributes: { 'aria-label': 'The new cell' } });
  private readonly answers = new Map<string, HTMLInputElement>();
  private readonly settled = new Debouncer(() => this.renew(), SETTLE);

  constructor(
    private readonly ask: Ask,
    first: CellText
  ) {
    super();
    this.addClass('nbpipe-lab-make');
    this.name.value = first.name;
    this.name.addEventListener('input', () => void this.settled.invoke());
    this.node.append(element('label', {}, 'Name of the step', this.name), this.questions, this.notes, this.preview);
    this.draw(first);
  }

  getValue(): string {
    return this.preview.textContent;
  }

  override dispose(): void {
    this.settled.dispose();
    super.dispose();
  }

  private async renew(): Promise<void> {
    const answers = [...this.answers].map(([question, field]) => [question, field.value] as const);
    try {
      this.draw(await this.ask(this.name.value, Object.fromEntries(answers)));
    } catch (error) {
      this.notes.replaceChildren(element('p', {}, sentenceOf(error)));
    }
  }

  private draw(text: CellText): void {
    this.preview.textContent = text.text;
    this.notes.replaceChildren(...text.notes.map(note => element('p', {}, note)));
    for (const question of text.questions) {
      if (!this.answers.has(question)) {
        const field = element('input');
        field.addEventListener('input', () => void this.settled.invoke());
        this.answers.set(question, field);
        this.questions.append(element('label', {}, question, field));
      }
    }
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Refused ? [error.card.fact, error.card.remedy].filter(Boolean).join('\n') : String(error);
}

/** Ask the kernel for the step cell, show it, and insert it if it is wanted. */
async function makeStep(watch: NotebookWatch, cell: Cell): Promise<void> {
  const link = new Link(watch.door.channel);
  const ask: Ask = (name, answers) => link.request('extract', { cell: cell.model.id, name, answers });
  try {
    if (watch.panel.context.model.dirty) {
      await watch.panel.context.save(); // the kernel reads the notebook's cells from its file
    }
    const body = new MakeStepForm(ask, await ask('', {}));
    const insert = Dialog.okButton({ label: 'Insert below' });
    const title = 'Make this cell a step';
    const result = await showDialog({ title, body, buttons: [Dialog.cancelButton(), insert] });
    if (result.button.accept && result.value) {
      insertCell(watch.panel, indexBelow(watch.panel, cell.model.id), result.value);
    }
  } catch (error) {
    await showErrorMessage('This cell was not made a step', sentenceOf(error));
  } finally {
    link.dispose();
  }
}

export const makeStepPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbpipe-labextension:make-step',
  description: 'Makes a step of an ordinary cell.',
  autoStart: true,
  requires: [INotebookTracker, IPipelineWatch],
  activate: (app, tracker: INotebookTracker, watches: IPipelineWatch) => {
    const ordinary = (): Cell | null => {
      const cell = tracker.activeCell;
      return cell?.model.type === 'code' && !isStep(textOf(cell)) ? cell : null;
    };
    app.commands.addCommand(MAKE_STEP, {
      label: 'Make This Cell a Step',
      caption: 'Write a step’s cell from the active cell, which stays as it is',
      isEnabled: () => watches.current?.door.state === 'open' && ordinary() !== null,
      execute: async () => {
        const cell = ordinary();
        if (watches.current && cell) {
          await makeStep(watches.current, cell);
        }
      }
    });
    tracker.activeCellChanged.connect(() => app.commands.notifyCommandChanged(MAKE_STEP));
  }
};
