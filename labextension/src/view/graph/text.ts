// Texts cut to the room there is, measured in the page's own fonts without touching its layout.

export interface Face {
  readonly pixels: number;
  readonly bold?: boolean;
  readonly mono?: boolean;
}

/** No room on a card holds more characters: a longer text is cut to so many before it is measured. */
const MOST = 400;

/** Measures texts in the fonts of a view. */
export class Ruler {
  readonly #pens = new Map<string, CanvasRenderingContext2D | null>();
  readonly #fitted = new Map<string, string>();

  constructor(
    private readonly sans: string,
    private readonly mono: string
  ) {}

  /** Pixels that a text takes. */
  width(text: string, face: Face): number {
    const pen = this.#pen(face);
    return pen ? pen.measureText(text).width : text.length * face.pixels * 0.62;
  }

  /** The longest form of a text that fits, with an ellipsis at its end or in its middle. */
  fit(text: string, room: number, face: Face, middle = false): string {
    if (this.#fitted.size > 20_000) {
      this.#fitted.clear();
    }
    const key = `${room}|${face.pixels}|${face.bold}|${face.mono}|${middle}|${text}`;
    const known = this.#fitted.get(key);
    if (known !== undefined) {
      return known;
    }
    const found = this.#search(text, room, face, middle);
    if (text.length <= MOST) {
      this.#fitted.set(key, found);
    }
    return found;
  }

  #search(text: string, room: number, face: Face, middle: boolean): string {
    if (text.length <= MOST && this.width(text, face) <= room) {
      return text;
    }
    const head = Array.from(text.slice(0, MOST));
    const tail = Array.from(text.slice(-MOST));
    let least = 0;
    let most = Math.min(head.length, tail.length);
    while (least < most) {
      const kept = Math.ceil((least + most) / 2);
      if (this.width(cut(head, tail, kept, middle), face) <= room) {
        least = kept;
      } else {
        most = kept - 1;
      }
    }
    return cut(head, tail, least, middle);
  }

  #pen(face: Face): CanvasRenderingContext2D | null {
    const font = `${face.bold ? 600 : 400} ${face.pixels}px ${face.mono ? this.mono : this.sans}`;
    let pen = this.#pens.get(font);
    if (pen === undefined) {
      pen = document.createElement('canvas').getContext('2d');
      if (pen) {
        pen.font = font;
      }
      this.#pens.set(font, pen);
    }
    return pen;
  }
}

function cut(head: readonly string[], tail: readonly string[], kept: number, middle: boolean): string {
  if (!middle) {
    return `${head.slice(0, kept).join('').trimEnd()}…`;
  }
  const last = Math.floor(kept / 2);
  return `${head.slice(0, kept - last).join('')}…${last > 0 ? tail.slice(-last).join('') : ''}`;
}
