// Who makes which name, read from the notebook's text alone: cells that were never run count too.

import type { ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Debouncer } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Part } from './magicline';
import { isStep, partsOf } from './magicline';

const SETTLE = 200; // milliseconds

/** Where a name comes from. */
export interface Maker {
  readonly cell: string;
  /** The step's name. */
  readonly step: string;
}

interface Facts {
  readonly step: string;
  readonly writes: readonly string[];
  readonly words: ReadonlySet<string>;
}

/** The names of one notebook. */
export class Outline {
  readonly changed: ISignal<this, void>;
  private readonly signal = new Signal<this, void>(this);
  private readonly facts = new WeakMap<ICellModel, Facts>();
  private readonly heard = new WeakSet<ICellModel>();
  private readonly settled = new Debouncer(() => this.gather(), SETTLE);
  private makers = new Map<string, Maker[]>();
  private words = new Set<string>();

  constructor(private readonly panel: NotebookPanel) {
    this.changed = this.signal;
    void panel.context.ready.then(() => {
      panel.model?.cells.changed.connect(() => void this.settled.invoke());
      this.gather();
    });
    panel.disposed.connect(() => this.settled.dispose());
  }

  holds(model: object): boolean {
    return [...(this.panel.model?.cells ?? [])].includes(model as ICellModel);
  }

  /** The cell whose step makes what a placeholder reads, or undefined. */
  makerOf(part: Part): Maker | undefined {
    const makers = this.makers.get(part.name) ?? [];
    return part.step === '' ? makers[0] : makers.find(each => each.step === part.step);
  }

  /** Whether an ordinary cell speaks of a name, so that it may be a variable. */
  speaksOf(name: string): boolean {
    return this.words.has(name);
  }

  private gather(): void {
    if (this.panel.isDisposed) {
      return;
    }
    this.makers = new Map();
    this.words = new Set();
    for (const model of this.panel.model?.cells ?? []) {
      if (model.type === 'code') {
        this.take(model);
      }
    }
    this.signal.emit();
  }

  private take(model: ICellModel): void {
    const { step, writes, words } = this.factsOf(model);
    for (const name of writes) {
      this.makers.set(name, [...(this.makers.get(name) ?? []), { cell: model.id, step }]);
    }
    words.forEach(word => this.words.add(word));
  }

  private factsOf(model: ICellModel): Facts {
    if (!this.heard.has(model)) {
      this.heard.add(model);
      model.contentChanged.connect(() => {
        this.facts.delete(model);
        void this.settled.invoke();
      });
    }
    const facts = this.facts.get(model) ?? factsOf(model.sharedModel.getSource());
    this.facts.set(model, facts);
    return facts;
  }
}

function factsOf(text: string): Facts {
  if (!isStep(text)) {
    return { step: '', writes: [], words: new Set(text.match(/[^\W\d]\w*/gu) ?? []) };
  }
  const parts = partsOf(text);
  const script = parts.find(part => part.kind === 'script');
  const file = script ? text.slice(script.from, script.to) : '';
  const named = /\s--name[=\s]+(\S+)/.exec(text.split('\n', 1)[0] ?? '')?.[1];
  const step = named ?? file.replace(/^.*\//, '').replace(/\.py$/, '');
  return { step, writes: parts.filter(part => part.kind === 'writes').map(part => part.name), words: new Set() };
}
