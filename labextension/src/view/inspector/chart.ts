// A line chart of one metric: axes, the value under the pointer, and the value it had before.

import type { SeriesCard } from '../../protocol';
import { drawn, element } from '../elements';

const WIDTH = 320;
const HEIGHT = 132;
const LEFT = 46;
const BOTTOM = 20;
const TOP = 8;
const RIGHT = 8;

interface Scale {
  readonly low: number;
  readonly high: number;
  x(index: number): number;
  y(value: number): number;
}

/** A number in few digits: `0.941`, `1.2e-7`, `12,340`. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) {
    return String(value);
  }
  const most = Math.abs(value);
  if (most !== 0 && (most < 0.001 || most >= 1e7)) {
    return value.toExponential(2).replace(/\.?0+e/, 'e');
  }
  return value.toLocaleString('en', { maximumFractionDigits: most >= 1000 ? 0 : most >= 1 ? 3 : 5 });
}

export function lineChart(series: SeriesCard): HTMLElement {
  const { name, values, earlier } = series;
  const scale = scaleOf(values, earlier);
  const said = element('span', { class: 'chart-said', attributes: { 'aria-hidden': 'true' } });
  const dot = drawn('circle', { r: 3.5, class: 'nbpipe-chart-dot', visibility: 'hidden' });
  const hair = drawn('path', { class: 'nbpipe-chart-hair', visibility: 'hidden' });
  const label = summary(series);
  const svg = drawn(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'nbpipe-chart', role: 'img', 'aria-label': label },
    ...axes(scale, values.length),
    earlier === null ? null : before(scale, earlier),
    drawn('path', { class: 'nbpipe-chart-line', d: line(values, scale) }),
    hair,
    dot
  );
  svg.addEventListener('pointermove', event => {
    const index = indexAt(event, svg, values.length);
    const value = values[index];
    const known = value !== undefined && Number.isFinite(value);
    dot.setAttribute('visibility', known ? 'visible' : 'hidden');
    hair.setAttribute('visibility', 'visible');
    hair.setAttribute('d', `M${scale.x(index)} ${TOP}V${HEIGHT - BOTTOM}`);
    if (known) {
      dot.setAttribute('cx', String(scale.x(index)));
      dot.setAttribute('cy', String(scale.y(value)));
    }
    said.textContent = `${index + 1}: ${value === undefined ? '' : shortNumber(value)}`;
  });
  svg.addEventListener('pointerleave', () => {
    [dot, hair].forEach(each => each.setAttribute('visibility', 'hidden'));
    said.textContent = '';
  });
  const last = values.at(-1);
  const head = element('span', { class: 'quiet' }, last === undefined ? '' : `last ${shortNumber(last)}`);
  return element('figure', { class: 'chart-box box' }, element('figcaption', {}, name, head, said), svg);
}

function summary({ name, values, earlier }: SeriesCard): string {
  const known = values.filter(Number.isFinite);
  const [low, high] = bounds(known);
  const was = earlier === null ? '' : `, earlier ${shortNumber(earlier)}`;
  const range = known.length === 0 ? 'no numbers' : `from ${shortNumber(low)} to ${shortNumber(high)}`;
  return `${name}: ${values.length} values, ${range}, last ${shortNumber(values.at(-1) ?? NaN)}${was}`;
}

function bounds(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function scaleOf(values: readonly number[], earlier: number | null): Scale {
  let [low, high] = bounds([...values, earlier ?? NaN].filter(Number.isFinite));
  if (low > high) {
    [low, high] = [0, 1];
  } else if (low === high) {
    const room = Math.abs(low) / 10 || 1;
    [low, high] = [low - room, high + room];
  }
  const wide = WIDTH - LEFT - RIGHT;
  const tall = HEIGHT - TOP - BOTTOM;
  const steps = Math.max(1, values.length - 1);
  return {
    low,
    high,
    x: index => LEFT + (wide * index) / steps,
    // divided first: the span of two huge numbers would be infinite
    y: value => TOP + tall * (1 - (value / 2 - low / 2) / (high / 2 - low / 2))
  };
}

/** The path; of more values than there is room for, the lowest and highest of each column. */
function line(values: readonly number[], scale: Scale): string {
  const parts: string[] = [];
  const stride = Math.max(1, Math.ceil(values.length / (2 * (WIDTH - LEFT - RIGHT))));
  let pen = 'M';
  for (let from = 0; from < values.length; from += stride) {
    for (const index of extremes(values, from, Math.min(values.length, from + stride))) {
      const value = values[index];
      if (value === undefined || !Number.isFinite(value)) {
        pen = 'M'; // a gap
        continue;
      }
      parts.push(`${pen}${scale.x(index).toFixed(1)} ${scale.y(value).toFixed(1)}`);
      pen = 'L';
    }
  }
  return parts.join('');
}

function extremes(values: readonly number[], from: number, to: number): number[] {
  let low = from;
  let high = from;
  for (let index = from; index < to; index++) {
    low = (values[index] ?? NaN) < (values[low] ?? NaN) ? index : low;
    high = (values[index] ?? NaN) > (values[high] ?? NaN) ? index : high;
  }
  return low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
}

function axes(scale: Scale, count: number): SVGElement[] {
  const middle = scale.low / 2 + scale.high / 2;
  const rows = [scale.low, middle, scale.high].flatMap(value => [
    drawn('path', { class: 'nbpipe-chart-grid', d: `M${LEFT} ${scale.y(value)}H${WIDTH - RIGHT}` }),
    text(LEFT - 6, scale.y(value) + 3.5, 'end', axisNumber(value, scale))
  ]);
  const ends = [text(LEFT, HEIGHT - 5, 'start', '1'), text(WIDTH - RIGHT, HEIGHT - 5, 'end', String(count))];
  return [...rows, ...ends];
}

/** As exact as the axis can show: three digits, and none that the span of the axis makes meaningless. */
function axisNumber(value: number, { low, high }: Scale): string {
  const shown = Math.abs(value) < (high / 2 - low / 2) / 500 ? 0 : value;
  const most = Math.abs(shown);
  return shown !== 0 && (most < 1e-4 || most >= 1e15)
    ? shown.toExponential(1)
    : shown.toLocaleString('en', { notation: 'compact', maximumSignificantDigits: 3 });
}

function before(scale: Scale, value: number): SVGElement {
  const path = drawn('path', { class: 'nbpipe-chart-before', d: `M${LEFT} ${scale.y(value)}H${WIDTH - RIGHT}` });
  const label = text(WIDTH - RIGHT, scale.y(value) - 4, 'end', `earlier ${shortNumber(value)}`);
  return drawn('g', {}, path, label);
}

function text(x: number, y: number, anchor: string, content: string): SVGElement {
  return drawn('text', { x, y, 'text-anchor': anchor, class: 'nbpipe-chart-text' }, content);
}

function indexAt(event: PointerEvent, svg: SVGSVGElement, count: number): number {
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * WIDTH;
  const share = (x - LEFT) / (WIDTH - LEFT - RIGHT);
  return Math.max(0, Math.min(count - 1, Math.round(share * (count - 1))));
}
