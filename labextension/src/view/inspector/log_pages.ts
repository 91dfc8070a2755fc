// The lines of a log that were lately looked at, asked for by pages.

import type { LogLine, LogPage } from '../../protocol';

const PAGE = 200; // lines
const KEPT = 60; // pages
const AT_ONCE = 2; // questions on their way

/** Lines by number, from 1. */
export class LogPages {
  total = 0;
  readonly #pages = new Map<number, LogLine[]>(); // page -> its lines from its first one on; oldest use first
  readonly #asked = new Set<number>();
  readonly #barren = new Set<number>(); // refused or empty: not asked again until the log grows
  #tail = -1; // the page that held the last line when it was asked for: it may have changed since

  /**
   * @param ask requests lines from a number on.
   * @param arrived these lines (the last one excluded) are here now.
   * @param failed the request was refused.
   */
  constructor(
    private readonly ask: (first: number, count: number) => Promise<LogPage>,
    private readonly arrived: (first: number, last: number) => void,
    private readonly failed: (error: unknown) => void
  ) {}

  line(number: number): LogLine | undefined {
    const page = pageOf(number);
    return this.#pages.get(page)?.[number - firstOf(page)];
  }

  /** The log is so long now; a growing last line is asked for again. */
  grown(total: number): void {
    this.total = total;
    this.#tail = pageOf(Math.max(1, total));
    this.#barren.clear();
  }

  /** Ask for what is missing of these lines, both included. */
  want(first: number, last: number): void {
    for (let page = pageOf(first); page <= pageOf(last) && this.#asked.size < AT_ONCE; page++) {
      const lines = this.#pages.get(page);
      if (lines) {
        this.#pages.delete(page); // used last, so it goes last
        this.#pages.set(page, lines);
      }
      const end = Math.min(last, this.total) + 1;
      const next = this.#missing(page, lines ?? [], Math.max(first, firstOf(page)), end);
      if (next !== null && !this.#asked.has(page) && !this.#barren.has(page)) {
        void this.#load(page, next);
      }
    }
  }

  /** The first line to ask for of a page, or null where it is whole. */
  #missing(page: number, lines: readonly LogLine[], first: number, end: number): number | null {
    if (page === this.#tail) {
      return firstOf(page) + Math.max(0, lines.length - 1); // the last one that is here may have grown
    }
    for (let number = first; number < Math.min(end, firstOf(page + 1)); number++) {
      if (lines[number - firstOf(page)] === undefined) {
        return number;
      }
    }
    return null;
  }

  async #load(page: number, first: number): Promise<void> {
    this.#asked.add(page);
    if (page === this.#tail) {
      this.#tail = -1;
    }
    try {
      const answer = await this.ask(first, firstOf(page + 1) - first);
      this.#asked.delete(page);
      this.#keep(page, answer.lines);
    } catch (error) {
      this.#asked.delete(page);
      this.#barren.add(page);
      this.failed(error);
    }
  }

  #keep(page: number, lines: readonly LogLine[]): void {
    const kept = this.#pages.get(page) ?? [];
    for (const line of lines) {
      if (pageOf(line.number) === page) {
        kept[line.number - firstOf(page)] = line;
      }
    }
    this.#pages.set(page, kept);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) {
        break;
      }
      this.#pages.delete(oldest);
    }
    const first = lines[0]?.number;
    if (first === undefined) {
      this.#barren.add(page);
    } else {
      this.arrived(first, first + lines.length);
    }
  }
}

function pageOf(number: number): number {
  return Math.floor((number - 1) / PAGE);
}

function firstOf(page: number): number {
  return page * PAGE + 1;
}
