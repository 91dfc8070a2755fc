// Mouse, pen and fingers on the graph: a drag pans, the wheel zooms or pans, a click selects.

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
  stage.addEventListener('pointermove', event => {
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
