// The first line of a step's cell, taken apart as far as its colours want it; what it means is the kernel's affair.

export type Kind = 'magic' | 'script' | 'option' | 'reads' | 'file' | 'writes';

/** A part of the line, by offsets into the cell's text. */
export interface Part {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  /** Of `{prepare.clean}` the step and the data; of `{>clean.csv}` what others call it; else empty. */
  readonly step: string;
  readonly name: string;
}

/** The options that take no value, and what ends the options; tested against nbpipe/notebook/options.py. */
const FLAGS = new Set(['--no-reuse', '--run', '--overwrite', '--']);

const MAGIC = /^%%(pipeline_step|step|pipeline_module)(?=\s|$)/;
const LINE = /^(?:[^\n\\]|\\(?:\r?\n|.))*/s; // a backslash at its end continues it
const WORD = /(?:"[^"\n]*"|'[^'\n]*'|\\\r?\n|[^\s"'])+/g;
const BRACES =
  /\{\{|\}\}|\{(?:>(?<write>[^{}\n]*)|(?<path>[.~]{0,2}\/[^{}\n]*)|(?:(?<step>\w[\w.-]*)\.)?(?<name>[^\W\d]\w*))\}/gu;

/** Whether a cell's text is a step's. */
export function isStep(text: string): boolean {
  return MAGIC.test(text);
}

/** The parts of a step cell's first line that have a colour; none for another cell's. */
export function partsOf(text: string): Part[] {
  const magic = MAGIC.exec(text)?.[0];
  if (magic === undefined) {
    return [];
  }
  const line = LINE.exec(text)?.[0] ?? '';
  const words = [...line.slice(magic.length).matchAll(WORD)].filter(word => word[0].trim() !== '\\');
  const script = scriptOf(words.map(word => word[0]));
  const parts = [plain('magic', 0, magic.length)];
  for (const [index, word] of words.entries()) {
    const from = magic.length + word.index;
    if (index === script || (index < script && word[0].startsWith('-'))) {
      parts.push(plain(index === script ? 'script' : 'option', from, from + word[0].length));
    }
    parts.push(...placeholders(word[0], from));
  }
  return parts;
}

/** Which word is the script: the first that is neither an option nor an option's value. */
function scriptOf(words: readonly string[]): number {
  let valued = false;
  const found = words.findIndex(word => {
    const option = !valued && word.startsWith('-');
    const script = !valued && !option;
    valued = option && !FLAGS.has(word) && !word.includes('=');
    return script;
  });
  return found < 0 ? words.length : found;
}

function plain(kind: Kind, from: number, to: number): Part {
  return { kind, from, to, step: '', name: '' };
}

function placeholders(word: string, from: number): Part[] {
  const found: Part[] = [];
  for (const match of word.matchAll(BRACES)) {
    const { write, path, step = '', name } = match.groups ?? {};
    const place = { from: from + match.index, to: from + match.index + match[0].length };
    if (write !== undefined) {
      found.push({ kind: 'writes', ...place, step: '', name: /^\w*/.exec(write)?.[0] ?? '' });
    } else if (path !== undefined) {
      found.push({ kind: 'file', ...place, step: '', name: path });
    } else if (name !== undefined) {
      found.push({ kind: 'reads', ...place, step, name });
    }
  }
  return found;
}
