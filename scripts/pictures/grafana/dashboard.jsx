// Draw a dashboard with Grafana's own panels, from the answers of a Prometheus.
//
// Grafana fills what a dashboard leaves out with the defaults of its panels, and places panels in a
// grid of 24 columns: both are done here as there.
import '@grafana/react-data-grid/lib/styles.css';
import 'uplot/dist/uPlot.min.css';

import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, FieldType,
  standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} from '@grafana/data';
import {
  BigValue, BigValueColorMode, BigValueGraphMode, GlobalStyles, Icon, PanelChrome, ThemeContext,
  TimeSeries, ToolbarButton,
} from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';

const WIDTH_PX = 1500;
const HEAD_PX = 48;
const COLUMNS = 24;
const ROW_PX = 30;
const GAP_PX = 8;
const STEP_S = 15; // the scrape interval that Grafana assumes of a Prometheus, and its least step
const THEME = createTheme({ colors: { mode: 'dark' } });
const LEGEND = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] };
const THRESHOLDS = {
  mode: 'absolute',
  steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }],
};
const BY_THRESHOLD = { color: { mode: 'thresholds' }, thresholds: THRESHOLDS, custom: {} };
const DEFAULTS = {
  stat: BY_THRESHOLD,
  table: BY_THRESHOLD,
  timeseries: {
    color: { mode: 'palette-classic' },
    thresholds: THRESHOLDS,
    custom: { lineWidth: 1, fillOpacity: 0, pointSize: 5, showPoints: 'auto', spanNulls: false },
  },
};

const { organizeFieldsTransformer: organize } = standardTransformers;
standardTransformersRegistry.setInit(() => [
  { id: organize.id, name: organize.name, transformation: organize },
]);

/** Draw a dashboard over the time between two moments, in seconds since 1970. */
window.draw = async (dashboard, prometheus, from, to) => {
  const range = { from: dateTime(from * 1000), to: dateTime(to * 1000) };
  const read = (panel) => framesOf(panel, prometheus, from, to);
  const frames = await Promise.all(dashboard.panels.map(read));
  createRoot(document.getElementById('dashboard')).render(
    <ThemeContext.Provider value={THEME}>
      <GlobalStyles />
      <Dashboard dashboard={dashboard} frames={frames} range={range} />
    </ThemeContext.Provider>,
  );
};

async function framesOf(panel, prometheus, from, to) {
  const answers = await Promise.all(
    panel.targets.map(async (target) => {
      const result = await query(prometheus, target, from, to);
      return target.format === 'table' ? table(result) : result.map((each) => series(target, each));
    }),
  );
  const transformed = transformDataFrame(panel.transformations ?? [], answers.flat());
  const data = await lastValueFrom(transformed);
  for (const field of data.flatMap(({ fields }) => fields)) {
    if (field.type === FieldType.number) {
      const { custom, ...defaults } = panel.fieldConfig.defaults;
      const { custom: builtIn, ...rest } = DEFAULTS[panel.type];
      field.config = { ...rest, ...defaults, ...field.config, custom: { ...builtIn, ...custom } };
    }
  }
  const frames = applyFieldOverrides({
    data, theme: THEME, timeZone: 'utc', replaceVariables: (text) => text,
    fieldConfig: { defaults: {}, overrides: [] },
  });
  cacheFieldDisplayNames(frames); // panels read a field's title from there
  return frames;
}

async function query(prometheus, { expr, instant }, from, to) {
  const expression = expr
    .replaceAll('$__rate_interval', `${4 * STEP_S}s`)
    .replaceAll('$__range', `${Math.round(to - from)}s`);
  const [path, times] = instant
    ? ['query', { time: to }]
    : ['query_range', { start: Math.ceil(from / STEP_S) * STEP_S, end: to, step: STEP_S }];
  const parameters = new URLSearchParams({ query: expression, ...times });
  const response = await fetch(`${prometheus}/api/v1/${path}?${parameters}`);
  const { status, error, data } = await response.json();
  if (status !== 'success') {
    throw new Error(`${expression}: ${error}`);
  }
  return data.result;
}

// As Grafana's panel of time series does, take what is not finite for no value.
function series({ legendFormat }, { metric, value, values = [value] }) {
  const name = legendFormat.replace(/{{(.*?)}}/g, (_, label) => metric[label.trim()] ?? '');
  return toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000) },
      {
        name: 'Value', type: FieldType.number, labels: metric,
        config: name ? { displayNameFromDS: name } : {},
        values: values.map(([, number]) => (Number.isFinite(Number(number)) ? Number(number) : null)),
      },
    ],
  });
}

function table(result) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const column = (name) => result.map(({ metric }) => metric[name] ?? '');
  const frame = toDataFrame({
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map(({ value }) => value[0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: column(name) })),
      { name: 'Value', type: FieldType.number, values: result.map(({ value }) => Number(value[1])) },
    ],
  });
  return result.length ? [frame] : [];
}

function Dashboard({ dashboard, frames, range }) {
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const height = HEAD_PX + bottom * (ROW_PX + GAP_PX);
  return (
    <div style={{ position: 'relative', width: WIDTH_PX, height }}>
      <Head dashboard={dashboard} minutes={Math.round((range.to - range.from) / 60000)} />
      {dashboard.panels.map((panel, index) => (
        <Panel key={panel.id} panel={panel} frames={frames[index]} range={range} />
      ))}
    </div>
  );
}

function Head({ dashboard: { title, refresh }, minutes }) {
  const style = { display: 'flex', height: HEAD_PX, padding: GAP_PX, alignItems: 'center', gap: GAP_PX };
  return (
    <div style={style}>
      <Icon name="apps" />
      <span style={{ flexGrow: 1 }}>{title}</span>
      <ToolbarButton icon="clock-nine" variant="canvas" isOpen={false}>
        Last {minutes} minutes
      </ToolbarButton>
      <ToolbarButton icon="sync" variant="canvas" isOpen={false}>{refresh}</ToolbarButton>
    </div>
  );
}

function Panel({ panel, frames, range }) {
  const { x, y, w, h } = panel.gridPos;
  const column = (WIDTH_PX - GAP_PX) / COLUMNS;
  const place = { position: 'absolute', left: GAP_PX + x * column, top: HEAD_PX + y * (ROW_PX + GAP_PX) };
  return (
    <div className="panel" style={place}>
      <PanelChrome
        title={panel.title}
        description={panel.description}
        width={w * column - GAP_PX}
        height={h * (ROW_PX + GAP_PX) - GAP_PX}
        padding={panel.type === 'table' ? 'none' : 'md'}
      >
        {(width, height) => <Content {...{ panel, frames, range, width, height }} />}
      </PanelChrome>
    </div>
  );
}

function Content({ panel: { type }, frames, range, width, height }) {
  if (!frames.length) {
    const color = THEME.colors.text.secondary;
    return <div style={{ height, display: 'grid', placeItems: 'center', color }}>No data</div>;
  }
  if (type === 'table') {
    return <TableNG data={frames[0]} width={width} height={height} />;
  }
  if (type === 'timeseries') {
    const time = { timeRange: range, timeZone: 'utc' };
    return <TimeSeries {...{ frames, width, height }} {...time} legend={LEGEND} />;
  }
  const [field] = frames[0].fields.filter(({ type: kind }) => kind === FieldType.number);
  const modes = { colorMode: BigValueColorMode.Value, graphMode: BigValueGraphMode.Area };
  const value = field.display(field.values.at(-1));
  return <BigValue {...{ width, height, value }} {...modes} theme={THEME} />;
}
