// Mouse, pen and fingers on the graph: a drag pans, the wheel and two fingers zoom or pan, a click selects.

import type { ViewContext } from '../context';
import type { Canvas } from './canvas';

const SLACK = 4; // pixels that a click may move
const LINE = 20; // pixels of a wheel's line

/** The id of the step at an event, or null. */
export function stepAt(event: Event): string | null {
  const target = event.target instanceof Element ? event.target.closest('[data-step]') : null;
  return target?.getAttribute('data-step') ?? null;
}

/** Let gestures move what is seen of a canvas. */
export function followGestures(canvas: Canvas, context: ViewContext): void {
  const { stage, view } = canvas;
  let last: { x: number; y: number } | null = null;
  let dragged = false;

  stage.addEventListener('pointerdown', event => {
    const ground = event.target instanceof Element && event.target.closest('svg.nbpipe-canvas') !== null;
    last = event.button === 0 && ground ? { x: event.clientX, y: event.clientY } : null;
    dragged = false;
  });
  pinch(canvas);
  stage.addEventListener('pointermove', event => {
    if (!event.isPrimary) {
      last = null; // two fingers do not drag
    }
    if (!last || event.buttons === 0) {
      return;
    }
    const [across, down] = [event.clientX - last.x, event.clientY - last.y];
    if (!dragged && Math.hypot(across, down) < SLACK) {
      return;
    }
    if (!dragged) {
      dragged = true;
      stage.setPointerCapture(event.pointerId);
      stage.classList.add('nbpipe-dragged');
    }
    last = { x: event.clientX, y: event.clientY };
    view.pan(across, down);
  });
  const end = (): void => {
    last = null;
    stage.classList.remove('nbpipe-dragged');
  };
  stage.addEventListener('pointerup', end);
  stage.addEventListener('pointercancel', end);
  stage.addEventListener('click', event => {
    const ground = event.target instanceof Element && event.target.closest('svg.nbpipe-canvas') !== null;
    if (ground && !dragged) {
      context.store.select(stepAt(event));
    }
    dragged = false;
  });
  stage.addEventListener('dblclick', event => open(event, context));
  stage.addEventListener('wheel', event => wheel(event, canvas, context), { passive: false });
}

/** Two fingers: the graph stays below them. */
function pinch({ stage, view }: Canvas): void {
  const fingers = new Map<number, PointerEvent>();
  stage.addEventListener('pointerdown', event => {
    if (event.pointerType === 'touch') {
      fingers.set(event.pointerId, event);
    }
  });
  stage.addEventListener('pointermove', event => {
    const before = fingers.get(event.pointerId);
    const other = [...fingers.values()].find(each => each.pointerId !== event.pointerId);
    if (!before) {
      return;
    }
    fingers.set(event.pointerId, event);
    if (other && fingers.size === 2) {
      const place = stage.getBoundingClientRect();
      const apart = (each: PointerEvent): number =>
        Math.max(1, Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY));
      // The middle moves half as far as the one finger that moved.
      view.pan((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
      const [x, y] = [(event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2];
      view.zoom(apart(event) / apart(before), x - place.left, y - place.top);
    }
  });
  const gone = (event: PointerEvent): void => void fingers.delete(event.pointerId);
  stage.addEventListener('pointerup', gone);
  stage.addEventListener('pointercancel', gone);
}

function open(event: MouseEvent, context: ViewContext): void {
  const id = stepAt(event);
  if (id !== null && (context.store.nodes.get(id)?.members.length ?? 0) > 0) {
    context.store.openGroup(id);
  }
}

/** With Ctrl, as pinching does, it zooms; in a cell it leaves the page its way down, in a panel it pans. */
function wheel(event: WheelEvent, { stage, view }: Canvas, { hosted }: ViewContext): void {
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
  const [across, down] = [event.deltaX * unit, event.deltaY * unit];
  if (event.ctrlKey || event.metaKey) {
    const place = stage.getBoundingClientRect();
    view.zoom(Math.exp(-down / 300), event.clientX - place.left, event.clientY - place.top);
  } else if (hosted === 'panel' || event.shiftKey || Math.abs(across) > Math.abs(down)) {
    const turned = event.shiftKey && across === 0;
    view.pan(turned ? -down : -across, turned ? 0 : -down);
  } else {
    return;
  }
  event.preventDefault();
}
