import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { useRoomPart } from "../feed/context.tsx";
import type { Room } from "../feed/room.ts";
import type { TrendPoint } from "../feed/vitals.ts";
import { wordOf } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import { clockText } from "../units/index.ts";
import type { NodeView } from "../wire/feed.ts";
import { Empty } from "../theme/Chrome.tsx";
import { valueText } from "../vitals/VitalTile.tsx";
import { drawTrend, FRAME, heightOf, type LaneSpec, xOf } from "./draw.ts";
import { HOLE_US, holesOf } from "./layout.ts";

const MINUTE_US = 60_000_000;
const LANES = [
  { name: "heart_rate_bpm", color: "--gh-hr", least: 30, fallback: [50, 110] },
  { name: "spo2_pct", color: "--gh-spo2", least: 10, fallback: [90, 100] },
  { name: "systolic_mmhg", color: "--gh-bp", least: 60, fallback: [60, 140] },
  { name: "respiratory_rate_bpm", color: "--gh-rr", least: 10, fallback: [10, 25] },
] as const;

/** The alarms' bars beneath the lanes: one line a priority, so that none hides another. */
const ALARM_ROW = { low: 0, medium: 1, high: 2 } as const;

/** The last minutes of one patient on one time axis; what is missing is hatched, never joined. */
export function TrendChart({ room, minutes, nodes }: { room: Room; minutes: number; nodes: readonly NodeView[] }) {
  const { t } = useTranslation();
  const scheme = useComputedColorScheme("light");
  const version = useRoomPart(room, "vitals");
  const gapVersion = useRoomPart(room, "gaps");
  const alarmVersion = useRoomPart(room, "alarms");
  const now = useNow();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const boxRef = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [pointer, setPointer] = useState<number | null>(null);
  const toUtcUs = Math.floor(now / 1_000_000) * 1_000_000;
  const fromUtcUs = toUtcUs - minutes * MINUTE_US;
  const height = heightOf(LANES.length);
  const { points, holes } = useMemo(() => {
    const inside = room.vitals.trend.filter((each) => each.capturedUtcUs >= fromUtcUs);
    return { points: inside, holes: holesOf(inside, fromUtcUs, toUtcUs) };
    // The room's series changes in place; its version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [room, version, fromUtcUs, toUtcUs]);

  useEffect(() => {
    const box = boxRef.current;
    if (box === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(box);
    return () => {
      observer.disconnect();
    };
  }, []);

  useEffect(() => {
    const canvas = canvasRef.current;
    const context = canvas?.getContext("2d") ?? null;
    if (canvas === null || context === null || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== width * ratio) {
      canvas.width = width * ratio;
      canvas.height = height * ratio;
    }
    const style = getComputedStyle(canvas);
    const color = (name: string) => style.getPropertyValue(name).trim();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawTrend(
      context,
      {
        points,
        holes,
        gaps: room.gaps.filter((each) => each.stream === "vitals"),
        nodes: nodes.map((node) => ({ label: wordOf(t, "node", node.node), node })),
        alarms: room.alarmHistory.map((each) => ({
          fromUtcUs: each.raisedUtcUs,
          toUtcUs: each.clearedUtcUs,
          color: color(`--gh-alarm-${each.priority}`),
          row: ALARM_ROW[each.priority],
        })),
        lanes: LANES.map(
          (lane): LaneSpec => ({
            ...lane,
            label: lane.name === "systolic_mmhg" ? t("vitals.nibp") : t(`vitals.${lane.name}`),
            unit: t(`unit.${lane.name}`),
            color: color(lane.color),
          }),
        ),
        fromUtcUs,
        toUtcUs,
        palette: {
          text: color("--gh-text"),
          dim: color("--gh-faint"),
          line: color("--gh-line"),
          hatch: color("--gh-line-strong"),
          surface: color("--gh-surface"),
        },
        font: style.fontFamily,
      },
      width,
      height,
    );
  }, [room, points, holes, nodes, gapVersion, alarmVersion, width, height, fromUtcUs, toUtcUs, scheme, t]);

  const pointerUtcUs =
    pointer === null || width === 0
      ? null
      : fromUtcUs + ((pointer - FRAME.left) / (width - FRAME.left - FRAME.right)) * (toUtcUs - fromUtcUs);
  return (
    <div
      ref={boxRef}
      className="gh-trend"
      data-testid="trend-chart"
      data-points={points.length}
      data-longest-gap-s={Math.round(Math.max(0, ...holes.map((each) => each.toUtcUs - each.fromUtcUs)) / 1e6)}
      data-alarms={room.alarmHistory.length}
      style={{ minHeight: height }}
      onPointerMove={(event) => {
        setPointer(event.clientX - event.currentTarget.getBoundingClientRect().left);
      }}
      onPointerLeave={() => {
        setPointer(null);
      }}
    >
      <canvas ref={canvasRef} style={{ height }} role="img" aria-label={t("trend.alt")} />
      {points.length === 0 && (
        <div style={{ position: "absolute", inset: 0, display: "grid", placeItems: "center" }}>
          <Empty what={t("trend.empty", { minutes })} />
        </div>
      )}
      {pointerUtcUs !== null && pointerUtcUs >= fromUtcUs && pointerUtcUs <= toUtcUs && points.length > 0 && (
        <Reading at={pointerUtcUs} points={points} holes={holes} x={xOf(pointerUtcUs, { fromUtcUs, toUtcUs }, width)} width={width} />
      )}
    </div>
  );
}

/** What was measured at the pointer; over a hole it says so. */
function Reading({ at, points, holes, x, width }: {
  at: number;
  points: readonly TrendPoint[];
  holes: readonly { fromUtcUs: number; toUtcUs: number }[];
  x: number;
  width: number;
}) {
  const { t } = useTranslation();
  const hole = holes.find((each) => at > each.fromUtcUs && at < each.toUtcUs);
  const near = nearest(points, at);
  const style = x > width / 2 ? { right: width - x + 10 } : { left: x + 10 };
  return (
    <>
      <div style={{ position: "absolute", left: x, top: FRAME.top, bottom: FRAME.axisHeight, width: 1, background: "var(--gh-accent)", pointerEvents: "none" }} />
      <div className="gh-trend-read gh-num" style={style}>
        {hole !== undefined || near === null ? (
          hole === undefined ? clockText(at, true) : t("trend.hole", { from: clockText(hole.fromUtcUs, true), to: clockText(hole.toUtcUs, true) })
        ) : (
          <dl>
            <dt>{clockText(near.capturedUtcUs, true)}</dt>
            <dd />
            {LANES.map(({ name }) => {
              const value = near.reading.values[name];
              const diastolic = near.reading.values.diastolic_mmhg;
              const text = value === undefined ? "—" : valueText(name, { value, capturedUtcUs: 0 });
              return (
                <FragmentRow
                  key={name}
                  label={name === "systolic_mmhg" ? t("vitals.nibp") : t(`vitals.${name}`)}
                  text={name === "systolic_mmhg" && diastolic !== undefined ? `${text}/${diastolic.toFixed(0)}` : text}
                />
              );
            })}
          </dl>
        )}
      </div>
    </>
  );
}

function FragmentRow({ label, text }: { label: string; text: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{text}</dd>
    </>
  );
}

function nearest(points: readonly TrendPoint[], at: number): TrendPoint | null {
  let best: TrendPoint | null = null;
  for (const each of points) {
    if (best === null || Math.abs(each.capturedUtcUs - at) < Math.abs(best.capturedUtcUs - at)) best = each;
  }
  return best !== null && Math.abs(best.capturedUtcUs - at) <= HOLE_US ? best : null;
}
