// The way from a line of a script to where people edit it: the notebook's cell, else the file.

import type { NodeCard } from '../../protocol';
import { button } from '../elements';
import { askHost, hasHost } from '../host';

/** Where a line of a step's script is edited, in words: `cell 6, line 32`, or `train.py, line 31`. */
export function placeOf(node: NodeCard, line: number): string {
  return inCell(node) ? `${node.cell_label || 'cell'}, line ${cellLine(node, line)}` : `${node.script}, line ${line}`;
}

/** Whether the host can show it. */
export function canGo(from: HTMLElement, node: NodeCard): boolean {
  return (inCell(node) || node.script !== '') && hasHost(from);
}

/** Go to a line of a step's script. */
export function go(from: HTMLElement, node: NodeCard, line: number): void {
  const there = inCell(node) && askHost(from, 'go-to-cell', { cell: node.cell, line: cellLine(node, line) });
  if (!there && node.script !== '') {
    askHost(from, 'open-file', { path: node.script, line });
  }
}

/** A button that goes there; null where no host can. */
export function goButton(from: HTMLElement, node: NodeCard, line: number, primary = false): HTMLButtonElement | null {
  if (!canGo(from, node)) {
    return null;
  }
  const label = `${inCell(node) ? 'Go to' : 'Open'} ${placeOf(node, line)}`;
  return button(label, { class: primary ? 'press press-primary' : 'press', click: () => go(from, node, line) });
}

function inCell(node: NodeCard): boolean {
  return node.cell !== '' && !node.cell_gone;
}

function cellLine(node: NodeCard, line: number): number {
  return line + node.first - 1;
}
