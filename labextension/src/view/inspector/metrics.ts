// The tab Metrics: what a step logged: values beside what they were, series as lines, pictures, tables.

import type { MetricsAnswer, SeriesCard } from '../../protocol';
import { element } from '../elements';
import { Asking } from './asking';
import { lineChart, shortNumber } from './chart';
import { image as picture } from './image';
import type { MakePane } from './pane';
import { stateOf } from './pane';
import { table } from './table';

const MOST = 60; // charts, pictures and tables that are drawn
const REST = 1000; // milliseconds between two questions while a step goes on logging

export const metricsPane: MakePane = (place, context) => {
  const asking = new Asking(context.link, place);
  let asked = 0;
  let timer = 0;
  const ask = (step: string): void => {
    asked = Date.now();
    asking.ask('metrics', { step }, answer => place.replaceChildren(body(answer)));
  };
  return {
    tells: node => [stateOf(node), node.metric].join('\n'),
    show: node => {
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, asked + REST - Date.now(), node.id);
    },
    dispose: () => {
      window.clearTimeout(timer);
      asking.end();
    }
  };
};

function body({ series }: MetricsAnswer): HTMLElement {
  if (series.length === 0) {
    return element('p', { class: 'quiet' }, 'This step logged no metrics.');
  }
  const values = series.filter(isValue);
  const rest = series.filter(each => !isValue(each));
  return element(
    'div',
    { class: 'metrics' },
    values.length > 0 && element('dl', { class: 'values' }, ...values.map(value)),
    ...rest.slice(0, MOST).map(figure),
    rest.length > MOST && element('p', { class: 'quiet' }, `and ${rest.length - MOST} more`)
  );
}

function isValue(series: SeriesCard): boolean {
  const { values, image, columns } = series;
  return values.length === 1 || (values.length === 0 && image === '' && columns.length === 0);
}

function value({ name, values, text, earlier }: SeriesCard): HTMLElement {
  const now = values[0];
  const shown = now === undefined ? text : shortNumber(now);
  const was = now !== undefined && earlier !== null && element('span', { class: 'quiet' }, change(now, earlier));
  return element(
    'div',
    { class: 'value' },
    element('dt', {}, name),
    element('dd', { title: now === undefined ? text : String(now) }, shown, was)
  );
}

function change(now: number, earlier: number): string {
  const by = now - earlier;
  return by === 0 ? 'as before' : `was ${shortNumber(earlier)} (${by > 0 ? '+' : ''}${shortNumber(by)})`;
}

function figure(series: SeriesCard): HTMLElement {
  if (series.values.length > 1) {
    return lineChart(series);
  }
  const inside =
    series.image === ''
      ? table({ columns: series.columns, rows: series.rows, label: series.name })
      : picture(series.image, series.name);
  return element('figure', { class: 'chart-box box' }, element('figcaption', {}, series.name), inside);
}
