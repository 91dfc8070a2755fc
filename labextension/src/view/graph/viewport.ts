// Which part of a drawing is seen, and how large.

export interface Extent {
  readonly width: number;
  readonly height: number;
}

const MARGIN = 24;
const LEAST = 0.06;
const MOST = 3;
/** Below this scale words cannot be read: who has chosen nothing sees a part instead of the whole. */
const READABLE = 0.6;

/** The scale at which a drawing fits into a stage: never above 1. */
export function fitting(drawing: Extent, stage: Extent): number {
  const across = (stage.width - 2 * MARGIN) / Math.max(1, drawing.width);
  const down = (stage.height - 2 * MARGIN) / Math.max(1, drawing.height);
  return Math.max(LEAST, Math.min(1, across, down));
}

/** A place and a scale: a point of the drawing stands at `x + scale * point`. */
export class Viewport {
  x = 0;
  y = 0;
  scale = 1;
  /** Until the user pans or zooms, the view keeps fitting itself. */
  free = false;
  stage: Extent = { width: 0, height: 0 };
  drawing: Extent = { width: 0, height: 0 };

  constructor(private readonly moved: () => void) {}

  /** Whether all of the drawing is seen. */
  get whole(): boolean {
    const { x, y, scale, stage, drawing } = this;
    const fits = x + drawing.width * scale <= stage.width && y + drawing.height * scale <= stage.height;
    return fits && x >= 0 && y >= 0;
  }

  /** Show the whole; `readable`: rather a part of it than words that cannot be read. */
  fit(readable: boolean): void {
    const scale = fitting(this.drawing, this.stage);
    this.scale = readable ? Math.max(READABLE, scale) : scale;
    this.free = !readable;
    const left = (this.stage.width - this.drawing.width * this.scale) / 2;
    const top = (this.stage.height - this.drawing.height * this.scale) / 2;
    this.x = Math.max(left, MARGIN);
    this.y = Math.max(top, MARGIN);
    this.moved();
  }

  pan(across: number, down: number): void {
    this.free = true;
    this.x += across;
    this.y += down;
    this.#keepInSight();
    this.moved();
  }

  /** Zoom around a point of the stage. */
  zoom(factor: number, x = this.stage.width / 2, y = this.stage.height / 2): void {
    const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.free = true;
    this.#keepInSight();
    this.moved();
  }

  /** Whether some of a box of the drawing is in sight, or nearly. */
  sees(box: Extent & { x: number; y: number }): boolean {
    const [left, top] = [this.x + box.x * this.scale, this.y + box.y * this.scale];
    const across = left < this.stage.width + MARGIN && left + box.width * this.scale > -MARGIN;
    return across && top < this.stage.height + MARGIN && top + box.height * this.scale > -MARGIN;
  }

  /** Move as little as brings a box of the drawing into sight; `centre`: to the middle, where it was out of sight. */
  reveal(box: Extent & { x: number; y: number }, centre = false): void {
    const left = this.x + box.x * this.scale;
    const top = this.y + box.y * this.scale;
    const right = left + box.width * this.scale;
    const bottom = top + box.height * this.scale;
    const { width, height } = this.stage;
    const seen = left >= 0 && top >= 0 && right <= width && bottom <= height;
    if (seen || width === 0) {
      return;
    }
    this.free = true;
    if (centre) {
      this.x += width / 2 - (left + right) / 2;
      this.y += height / 2 - (top + bottom) / 2;
    } else {
      this.x += left < MARGIN ? MARGIN - left : Math.min(0, width - MARGIN - right);
      this.y += top < MARGIN ? MARGIN - top : Math.min(0, height - MARGIN - bottom);
    }
    this.moved();
  }

  /** Put a point of the drawing into the middle. */
  centre(x: number, y: number): void {
    this.free = true;
    this.x = this.stage.width / 2 - x * this.scale;
    this.y = this.stage.height / 2 - y * this.scale;
    this.#keepInSight();
    this.moved();
  }

  /** Some of the drawing is always seen. */
  #keepInSight(): void {
    const rest = 60;
    const { width, height } = this.drawing;
    this.x = Math.min(this.stage.width - rest, Math.max(rest - width * this.scale, this.x));
    this.y = Math.min(this.stage.height - rest, Math.max(rest - height * this.scale, this.y));
  }
}
