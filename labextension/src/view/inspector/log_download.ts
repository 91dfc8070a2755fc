// A log saved whole: its bytes come from the kernel piece by piece and become a file of the browser's.

import { button, element } from '../elements';
import { size } from '../words';

export interface Chunk {
  readonly data: string; // base64
  readonly next: number;
  readonly end: boolean;
}

const PIECE = 512 * 1024; // bytes

/** The button that saves it: while it works it tells how much is here, and pressing it again gives up. */
export class LogDownload {
  readonly element: HTMLButtonElement;
  #turn = 0;
  #busy = false;

  constructor(
    private readonly ask: (offset: number, size: number) => Promise<Chunk>,
    private readonly file: () => string,
    private readonly failed: (error: unknown) => void
  ) {
    const click = (): void => void this.#pressed();
    this.element = button('Download', { class: 'link', title: 'Save the whole log', click });
  }

  /** Give up what is on its way. */
  cancel(): void {
    this.#turn++;
    this.#busy = false;
    this.element.textContent = 'Download';
  }

  async #pressed(): Promise<void> {
    if (this.#busy) {
      this.cancel();
      return;
    }
    this.#busy = true;
    const turn = ++this.#turn;
    try {
      const parts = await this.#fetch(() => turn === this.#turn);
      if (parts !== null) {
        save(new Blob(parts, { type: 'text/plain' }), this.file());
        this.cancel();
      }
    } catch (error) {
      if (turn === this.#turn) {
        this.cancel();
        this.failed(error);
      }
    }
  }

  /** All pieces, or null where it was given up. */
  async #fetch(wanted: () => boolean): Promise<Uint8Array<ArrayBuffer>[] | null> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let offset = 0, end = false; !end; ) {
      this.element.textContent = `${size(offset)} · Cancel`;
      const chunk = await this.ask(offset, PIECE);
      if (!wanted()) {
        return null;
      }
      parts.push(bytes(chunk.data));
      end = chunk.end || chunk.next <= offset;
      offset = chunk.next;
    }
    return parts;
  }
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const made = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    made[at] = text.charCodeAt(at);
  }
  return made;
}

function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  element('a', { attributes: { href: address, download: name } }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser reads it after the click
}
