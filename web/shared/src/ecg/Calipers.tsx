import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";

import { cellAt, marches, measured, NUDGE_MM, type Point, type Span, within } from "./calipers.ts";
import type { Page } from "./layout.ts";

type End = "from" | "to";

const ARROWS: Record<string, Point> = {
  ArrowLeft: { xMm: -NUDGE_MM, yMm: 0 },
  ArrowRight: { xMm: NUDGE_MM, yMm: 0 },
  ArrowUp: { xMm: 0, yMm: -NUDGE_MM },
  ArrowDown: { xMm: 0, yMm: NUDGE_MM },
};

/** Two points on one lead, drawn by pointer, moved by pointer or arrow keys; the interval may march on. */
export function Calipers({ page, pxPerMm, span, isMarching, onChange }: {
  page: Page;
  pxPerMm: number;
  span: Span | null;
  isMarching: boolean;
  onChange: (span: Span) => void;
}) {
  const { t } = useTranslation();
  const sheet = useRef<SVGSVGElement>(null);
  const held = useRef<{ span: Span; end: End } | null>(null);

  const pointOf = (event: PointerEvent): Point => {
    const box = sheet.current?.getBoundingClientRect();
    return { xMm: (event.clientX - (box?.left ?? 0)) / pxPerMm, yMm: (event.clientY - (box?.top ?? 0)) / pxPerMm };
  };
  const begin = (event: PointerEvent) => {
    const point = pointOf(event);
    const cell = cellAt(page, point);
    if (cell === null) return;
    hold(event, { cell, from: point, to: point }, "to");
  };
  const hold = (event: PointerEvent, grasped: Span, end: End) => {
    event.preventDefault();
    event.stopPropagation();
    sheet.current?.setPointerCapture(event.pointerId);
    held.current = { span: grasped, end };
    onChange(grasped);
  };
  const move = (event: PointerEvent) => {
    if (held.current === null) return;
    const { span: before, end } = held.current;
    const next = { ...before, [end]: within(before.cell, pointOf(event)) };
    held.current = { span: next, end };
    onChange(next);
  };
  const release = () => {
    held.current = null;
  };
  const nudge = (event: KeyboardEvent, end: End) => {
    const by = ARROWS[event.key];
    if (by === undefined || span === null) return;
    event.preventDefault();
    const times = event.shiftKey ? 10 : 1;
    const moved = { xMm: span[end].xMm + by.xMm * times, yMm: span[end].yMm + by.yMm * times };
    onChange({ ...span, [end]: within(span.cell, moved) });
  };

  return (
    <svg
      ref={sheet}
      className="gh-calipers"
      data-testid="calipers"
      width={page.widthMm * pxPerMm}
      height={page.heightMm * pxPerMm}
      viewBox={`0 0 ${page.widthMm} ${page.heightMm}`}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {span !== null && (
        <>
          {isMarching && marches(span).map((xMm) => <Upright key={xMm} span={span} xMm={xMm} className="gh-calipers-march" />)}
          <Upright span={span} xMm={span.from.xMm} />
          <Upright span={span} xMm={span.to.xMm} />
          <line x1={span.from.xMm} x2={span.to.xMm} y1={span.from.yMm} y2={span.from.yMm} />
          <line x1={span.from.xMm} x2={span.to.xMm} y1={span.to.yMm} y2={span.to.yMm} />
          <Handle at={span.from} label={t("ecg.caliperFrom")} testId="caliper-from" onHold={(event) => {
            hold(event, span, "from");
          }} onKey={(event) => {
            nudge(event, "from");
          }} />
          <Handle at={span.to} label={t("ecg.caliperTo")} testId="caliper-to" onHold={(event) => {
            hold(event, span, "to");
          }} onKey={(event) => {
            nudge(event, "to");
          }} />
        </>
      )}
    </svg>
  );
}

function Upright({ span, xMm, className }: { span: Span; xMm: number; className?: string }) {
  const { topMm, heightMm } = span.cell;
  return <line className={className} x1={xMm} x2={xMm} y1={topMm + 1} y2={topMm + heightMm - 1} />;
}

/** Small to look at, as large to a finger as glove and road ask for. */
function Handle({ at, label, testId, onHold, onKey }: {
  at: Point;
  label: string;
  testId: string;
  onHold: (event: PointerEvent) => void;
  onKey: (event: KeyboardEvent) => void;
}) {
  return (
    <g tabIndex={0} role="button" aria-label={label} data-testid={testId} onPointerDown={onHold} onKeyDown={onKey}>
      <circle className="gh-calipers-grip" cx={at.xMm} cy={at.yMm} r={5} />
      <circle className="gh-calipers-point" cx={at.xMm} cy={at.yMm} r={1} />
    </g>
  );
}

/** What the calipers say, in words that a reader of ECGs expects. */
export function CaliperReading({ span }: { span: Span | null }): ReactNode {
  const { t } = useTranslation();
  if (span === null) return <span className="gh-dim">{t("ecg.caliperHint")}</span>;
  const { intervalMs, ratePerMin, amplitudeMv } = measured(span);
  return (
    <b className="gh-num" data-testid="caliper-reading" role="status">
      {`${span.cell.lead} · ${t("ecg.intervalMs", { value: Math.round(intervalMs) })}`}
      {ratePerMin !== null && ` · ${t("ecg.ratePerMin", { value: Math.round(ratePerMin) })}`}
      {` · ${t("ecg.amplitudeMv", { value: amplitudeMv.toFixed(2) })}`}
    </b>
  );
}
