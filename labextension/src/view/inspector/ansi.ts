// A log's line as it is shown: its SGR colours become hues that can be read in both themes, everything else text.

/** A stretch of text in one style; `fore` and `back` are CSS colours, or empty. */
export interface Ink {
  readonly text: string;
  readonly classes: string;
  readonly fore: string;
  readonly back: string;
}

type Hue = 'fg' | 'fg2' | 'fail' | 'done' | 'warn' | 'run' | 'maybe';
type Rgb = readonly [number, number, number];
type Colour = Hue | Rgb;

interface Pen {
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  strike: boolean;
  inverse: boolean;
  fore: Colour | null;
  back: Colour | null;
}

const CYAN: Rgb = [0, 170, 190];
const NAMED: readonly Colour[] = ['fg', 'fail', 'done', 'warn', 'run', 'maybe', CYAN, 'fg'];
const PLAIN: Pen = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
  fore: null,
  back: null
};
const SHAPES = ['bold', 'italic', 'underline', 'strike'] as const;
const STYLES: Readonly<Record<number, Partial<Pen>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false }
};
/** What the rest of a line is shown in, once a bomb has used so many changes of style. */
const MOST_INKS = 200;
const MOST_CODES = 32;

const SGR = /\x1b\[([\d;:]*)m/g;
const HIDDEN = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A line cut into stretches of one style. */
export function inked(line: string): Ink[] {
  const inks: Ink[] = [];
  let pen = PLAIN;
  let from = 0;
  for (const found of line.matchAll(SGR)) {
    put(inks, line.slice(from, found.index), pen);
    pen = dipped(pen, found[1] ?? '');
    from = found.index + found[0].length;
    if (inks.length >= MOST_INKS) {
      put(inks, line.slice(from).replace(SGR, ''), PLAIN);
      return inks;
    }
  }
  put(inks, line.slice(from), pen);
  return inks;
}

/** Text with its control characters and direction overrides made visible, as nbpipe/views/text.py does. */
export function visible(text: string): string {
  return text.replace(HIDDEN, each => {
    const code = each.charCodeAt(0);
    if (code < 0x20) {
      return String.fromCharCode(0x2400 + code);
    }
    return code < 0xa0 ? '\ufffd' : `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}

function put(inks: Ink[], text: string, pen: Pen): void {
  if (text !== '') {
    inks.push({ text: visible(text), ...look(pen) });
  }
}

/** The pen after a sequence of codes; unknown ones change nothing. */
function dipped(before: Pen, codes: string): Pen {
  const pen = { ...before };
  const numbers = codes.split(/[;:]/, MOST_CODES).map(Number);
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(numbers, at + 1);
      pen[code === 38 ? 'fore' : 'back'] = colour;
      at += used;
    } else if (code === 0) {
      Object.assign(pen, PLAIN);
    } else {
      change(pen, code);
    }
  }
  return pen;
}

function change(pen: Pen, code: number): void {
  const tens = Math.floor(code / 10);
  if (tens === 3 || tens === 9) {
    pen.fore = code === 90 ? 'fg2' : (NAMED[code % 10] ?? null); // 39 takes the colour away
  } else if (tens === 4 || tens === 10) {
    pen.back = NAMED[code % 10] ?? null;
  } else {
    Object.assign(pen, STYLES[code]);
  }
}

/** The colour after 38 or 48, and how many numbers it took. */
function extended(numbers: readonly number[], at: number): [Colour | null, number] {
  const [kind, ...rest] = numbers.slice(at, at + 4);
  if (kind === 5) {
    return [ofPalette(rest[0] ?? 0), 2];
  }
  if (kind === 2) {
    const [red = 0, green = 0, blue = 0] = rest.map(each => Math.min(255, each));
    return [[red, green, blue], 4];
  }
  return [null, kind === undefined ? 0 : 1];
}

function ofPalette(index: number): Colour | null {
  if (index < 16) {
    return index === 8 ? 'fg2' : (NAMED[index % 8] ?? null);
  }
  if (index < 232) {
    const level = (each: number): number => (each === 0 ? 0 : 55 + 40 * each);
    const cell = index - 16;
    return [level(Math.floor(cell / 36)), level(Math.floor(cell / 6) % 6), level(cell % 6)];
  }
  const grey = 8 + 10 * (Math.min(index, 255) - 232);
  return [grey, grey, grey];
}

function look(pen: Pen): Omit<Ink, 'text'> {
  const [front, ground] = pen.inverse ? [pen.back, pen.fore ?? 'fg2'] : [pen.fore, pen.back];
  const plain = pen.dim ? 'var(--nbpipe-fg2)' : '';
  const classes = SHAPES.filter(each => pen[each]).map(each => `nbpipe-ink-${each}`);
  return {
    classes: classes.join(' '),
    fore: front === null ? plain : fore(front),
    back: ground === null ? '' : back(ground)
  };
}

function fore(colour: Colour): string {
  if (typeof colour === 'string') {
    return `var(--nbpipe-${colour})`;
  }
  const [chroma, hue] = chromaAndHue(colour);
  return chroma < 0.02 ? 'var(--nbpipe-fg2)' : `oklch(var(--nbpipe-ink-light) ${chroma} ${hue})`;
}

function back(colour: Colour): string {
  if (typeof colour === 'string') {
    return `var(--nbpipe-${colour.startsWith('fg') ? 'idle' : colour}-tint)`;
  }
  const [chroma, hue] = chromaAndHue(colour);
  return chroma < 0.02 ? 'var(--nbpipe-idle-tint)' : `oklch(var(--nbpipe-ink-ground) ${chroma / 3} ${hue})`;
}

/** How vivid a colour is, at most as much as stays readable, and which; the lightness is the theme's. */
function chromaAndHue(colour: Rgb): [number, number] {
  const [red, green, blue] = colour.map(each => {
    const part = each / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const middle = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  const a = 1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short;
  const b = 0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short;
  const hue = ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
  return [Math.round(Math.min(0.14, Math.hypot(a, b)) * 1000) / 1000, Math.round(hue)];
}
