// What a view asks of the page around it: a host that can, hears the event and takes it.

/** What only a host can do; JupyterLab's extension does all of it, a bare page none. */
export interface HostActions {
  /** Nothing: every host takes it, so that a view shows only buttons that do something. */
  present: Record<string, never>;
  /** Show a cell, at a line of it (from 1). */
  'go-to-cell': { cell: string; line: number };
  /** Open a file of the notebook's folder, at a line (from 1). */
  'open-file': { path: string; line: number };
  /** Insert a cell below the active one, or below `after`. */
  'insert-cell': { text: string; after?: string; run?: boolean };
  /** Register the notebook's step cells again, by running them. */
  'run-cells': { cells: readonly string[] };
  /** Turn the active ordinary cell into a step. */
  'make-step': Record<string, never>;
}

export const HOST_EVENT = 'nbpipe:host';

const ACTIONS: Readonly<Record<keyof HostActions, true>> = {
  'go-to-cell': true,
  'open-file': true,
  'insert-cell': true,
  'run-cells': true,
  'make-step': true,
  present: true
};

/** Whether a button's verb is the host's to carry out, not the kernel's. */
export function isHostAction(verb: string): verb is keyof HostActions {
  return Object.hasOwn(ACTIONS, verb);
}

/** Ask the host; false where none took it. */
export function askHost<Name extends keyof HostActions>(
  from: HTMLElement,
  action: Name,
  detail: HostActions[Name]
): boolean {
  const event = new CustomEvent(HOST_EVENT, {
    bubbles: true,
    cancelable: true,
    composed: true,
    detail: { action, ...detail }
  });
  return !from.dispatchEvent(event); // whoever takes it prevents the default
}

/** Whether anybody around would take what is asked. */
export function hasHost(from: HTMLElement): boolean {
  return askHost(from, 'present', {});
}
