import { useComputedColorScheme } from "@mantine/core";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { useFeed, useRoomPart } from "../feed/context.tsx";
import type { Room } from "../feed/room.ts";
import { spanText } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import { shiftS } from "./align.ts";
import { drawPaper, drawTrace, type Ink, INKS } from "./draw.ts";
import { type Cell, type LayoutName, MM_PER_S, type Page, pageOf } from "./layout.ts";
import { type Lead, type LeadName, leadsOf } from "./leads.ts";
import type { WaveRing } from "./ring.ts";
import { type WaveState, waveState } from "./state.ts";
import type { Still } from "./still.ts";
import { penTarget, Sweep } from "./sweep.ts";

/** How wide a millimetre of paper may become: past this, more paper shows no more detail. */
const MAX_PX_PER_MM = 6;

/** A curve may be a second old, and comes by the half second: judged once a second it could always be looked at late. */
const JUDGED_MS = 250;

/** Live 12-lead on calibrated paper. */
export function EcgPaper({ room, layout, fitHeight = false }: { room: Room; layout: LayoutName; fitHeight?: boolean }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const now = useNow(JUDGED_MS);
  const ring = room.waves.get("ecg");
  const leads = ring === undefined ? null : leadsOf(ring);
  const state = waveState(ring, now);
  const last = ring?.lastCapturedUtcUs ?? null;
  const draw = useCallback<Draw>(
    (context, page, scale, ink) =>
      runSweep(context.canvas, new Sweep(context, page, scale, ink), () => room.waves.get("ecg"), () => feed.clock.nowUtcUs()),
    [room, feed],
  );
  return (
    <Paper layout={layout} fitHeight={fitHeight} leads={leads} testId="ecg-canvas" state={state} alt={t("ecg.alt", { leads: leads?.size ?? 0 })} draw={draw}>
      {() => <Notice state={state} ageUs={last === null ? 0 : now - last} behindUs={ring?.playoutUs ?? 0} />}
    </Paper>
  );
}

/** A page that stays; what `over` makes lies on it. `before`: another page that lies under it, beat on beat. */
export function EcgStill({ still, before = null, layout, testId, over }: {
  still: Still;
  before?: Still | null;
  layout: LayoutName;
  testId: string;
  over?: (pxPerMm: number, page: Page) => ReactNode;
}) {
  const { t } = useTranslation();
  const draw = useCallback<Draw>(
    (context, page, scale, ink) => {
      if (before !== null) drawStill(context, page, before, scale, ink.before, shiftsOf(page, still, before));
      drawStill(context, page, still, scale, ink.trace);
      return undefined;
    },
    [still, before],
  );
  return (
    <Paper layout={layout} fitHeight={false} leads={still.leads} testId={testId} state="still" alt={t("ecg.alt", { leads: still.leads.size })} draw={draw}>
      {over}
    </Paper>
  );
}

/** Fills a canvas of a page's size; returns what stops it, where it goes on. */
type Draw = (context: CanvasRenderingContext2D, page: Page, scale: number, ink: Ink) => (() => void) | undefined;

/** Calibrated paper with its labels, as large as its box allows. */
function Paper({ layout, fitHeight, leads, testId, state, alt, draw, children }: {
  layout: LayoutName;
  fitHeight: boolean;
  leads: ReadonlyMap<LeadName, Lead> | null;
  testId: string;
  state: WaveState | "still";
  alt: string;
  draw: Draw;
  children?: ((pxPerMm: number, page: Page) => ReactNode) | undefined;
}) {
  const ink = INKS[useComputedColorScheme("light")];
  const page = useMemo(() => pageOf(layout), [layout]);
  const boxRef = useRef<HTMLDivElement>(null);
  const paperRef = useRef<HTMLCanvasElement>(null);
  const traceRef = useRef<HTMLCanvasElement>(null);
  const pxPerMm = useFit(boxRef, page, fitHeight);

  useEffect(() => {
    const paper = paperRef.current;
    const trace = traceRef.current;
    if (paper === null || trace === null || pxPerMm === 0) return undefined;
    const scale = pxPerMm * (window.devicePixelRatio || 1);
    for (const canvas of [paper, trace]) {
      canvas.width = Math.round(page.widthMm * scale);
      canvas.height = Math.round(page.heightMm * scale);
      canvas.style.width = `${page.widthMm * pxPerMm}px`;
      canvas.style.height = `${page.heightMm * pxPerMm}px`;
    }
    const paperContext = paper.getContext("2d");
    const context = trace.getContext("2d");
    if (paperContext === null || context === null) return undefined;
    drawPaper(paperContext, page, scale, ink);
    return draw(context, page, scale, ink);
  }, [page, pxPerMm, ink, draw]);

  return (
    <div ref={boxRef} className="gh-ecg-paper" style={{ background: ink.paper, height: fitHeight ? "100%" : page.heightMm * pxPerMm }}>
      <canvas ref={paperRef} aria-hidden="true" />
      <canvas ref={traceRef} data-testid={testId} data-state={state} role="img" aria-label={alt} />
      {page.cells.map((cell) => (
        <CellLabel key={`${cell.lead}-${cell.topMm}`} lead={leads?.get(cell.lead)} name={cell.lead} ink={ink} x={cell.xMm * pxPerMm + 4} y={cell.topMm * pxPerMm + 5} />
      ))}
      {pxPerMm > 0 && children?.(pxPerMm, page)}
    </div>
  );
}

/** What keeps the trace from being read as live; one that is behind stays readable under its age. */
function Notice({ state, ageUs, behindUs }: { state: WaveState; ageUs: number; behindUs: number }) {
  const { t } = useTranslation();
  if (state === "live") return null;
  return (
    <div className="gh-ecg-notice" data-state={state}>
      <span className="gh-num">
        {state === "none" && t("ecg.noSignal")}
        {state === "late" && t("ecg.behind", { seconds: (behindUs / 1e6).toFixed(1) })}
        {state === "stale" && t("ecg.lostFor", { span: spanText(t, ageUs) })}
      </span>
    </div>
  );
}

function CellLabel({ lead, name, ink, x, y }: { lead: Lead | undefined; name: LeadName; ink: Ink; x: number; y: number }) {
  const { t } = useTranslation();
  return (
    <div className="gh-ecg-label" style={{ left: x, top: y, color: ink.label, "--paper": ink.paper } as React.CSSProperties}>
      {name}
      {lead?.isDerived === true && <em>{t("ecg.derived")}</em>}
    </div>
  );
}

/** Run the sweep at the display's rate; write what it shows on the canvas once a second. */
function runSweep(canvas: HTMLCanvasElement, sweep: Sweep, ringOf: () => WaveRing | undefined, nowUtcUs: () => number): () => void {
  let frame = 0;
  let stampedMs = 0;
  const step = (ms: number) => {
    const ring = ringOf();
    if (ring !== undefined) {
      const now = nowUtcUs();
      const pen = sweep.step(ring, now, waveState(ring, now) !== "live");
      if (ms - stampedMs >= 1_000) {
        stampedMs = ms;
        canvas.dataset["lastCaptured"] = String(Math.round(ring.utcOf(pen - 1)));
      }
    }
    frame = requestAnimationFrame(step);
  };
  frame = requestAnimationFrame(step);
  return () => {
    cancelAnimationFrame(frame);
  };
}

/** A still page: the columns follow one another, the rhythm strip runs through. */
function drawStill(context: CanvasRenderingContext2D, page: Page, still: Still, scale: number, color: string, shiftOf: (cell: Cell) => number = () => 0): void {
  const pageBegin = still.endIndex - Math.round(page.seconds * still.rateHz);
  for (const cell of page.cells) {
    const begin = pageBegin + Math.round(shiftOf(cell) * still.rateHz);
    const lead = still.leads.get(cell.lead);
    if (lead === undefined) continue;
    const from = begin + Math.round(cell.startS * still.rateHz);
    const to = from + Math.round(cell.seconds * still.rateHz);
    const xMmOf = (index: number) => cell.xMm + ((index - from) / still.rateHz) * MM_PER_S;
    drawTrace(context, cell, lead, from, to, xMmOf, scale, color);
  }
}

/** By how many seconds `under` is moved in each column of the page, worked out once a column. */
function shiftsOf(page: Page, still: Still, under: Still): (cell: Cell) => number {
  const known = new Map<string, number>();
  return ({ startS, seconds }) => {
    const key = `${startS} ${seconds}`;
    const shift = known.get(key) ?? shiftS(still, under, { pageS: page.seconds, startS, seconds });
    known.set(key, shift);
    return shift;
  };
}

/** The sample that a page frozen now should end with. */
export function freezeIndex(ring: WaveRing, nowUtcUs: number): number {
  return penTarget(ring, nowUtcUs);
}

/** Pixels per millimetre of paper that fit the box. */
function useFit(box: React.RefObject<HTMLDivElement | null>, page: Page, fitHeight: boolean): number {
  const [pxPerMm, setPxPerMm] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      const { width, height } = entry.contentRect;
      const fit = fitHeight ? Math.min(width / page.widthMm, height / page.heightMm) : width / page.widthMm;
      setPxPerMm(Math.min(MAX_PX_PER_MM, fit));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [box, page, fitHeight]);
  return pxPerMm;
}

/** What the reader must know beside the curve: scale, delay, what is derived, where it comes from. */
export function EcgFoot({ room, extra }: { room: Room; extra?: ReactNode }) {
  const { t } = useTranslation();
  useRoomPart(room, "backfill");
  useNow();
  const ring = room.waves.get("ecg");
  if (ring === undefined) return <div className="gh-ecg-foot">{t("ecg.scale")}</div>;
  const leads = [...leadsOf(ring).values()];
  const derived = leads.filter((each) => each.isDerived).map((each) => each.name);
  const sources = [...new Set(leads.map((each) => each.source).filter((each) => each !== null))];
  return (
    <div className="gh-ecg-foot gh-num">
      <span>{t("ecg.scale")}</span>
      {derived.length > 0 && <span>{t("ecg.derivedNote", { leads: derived.join(" ") })}</span>}
      {sources.length > 0 && <span data-testid="ecg-source">{t("ecg.sourceLabel", { source: sources.join(", ") })}</span>}
      {extra}
    </div>
  );
}
