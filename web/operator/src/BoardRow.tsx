import {
  ageOf,
  bytesText,
  Counts,
  kmhOf,
  linkDetail,
  LinkShape,
  missingText,
  type NodeView,
  scoreText,
  spanText,
  stopwatchText,
  type UnitView,
  useNow,
  wordOf,
} from "@goldenhour/shared";
import { memo } from "react";
import { useTranslation } from "react-i18next";

/** One unit in one line. */
export const BoardRow = memo(function BoardRow({ unit, isChosen, onChoose, onShow }: {
  unit: UnitView;
  isChosen: boolean;
  onChoose: (unit: string) => void;
  onShow: (unit: string) => void;
}) {
  const { t } = useTranslation();
  const now = useNow();
  const aged = ageOf(unit.position?.capturedUtcUs, now, "position");
  const speed = unit.position?.speedMps ?? null;
  const waiting = unit.link.waitingRecords ?? 0;
  return (
    <div
      id={`row-${unit.unit}`}
      className="op-row"
      role="row"
      aria-selected={isChosen}
      data-testid={`unit-row-${unit.unit}`}
      data-age={aged.kind}
      data-light={unit.light}
      data-lat={unit.position?.latitudeDeg}
      data-lon={unit.position?.longitudeDeg}
      onClick={() => {
        onChoose(unit.unit);
      }}
      onDoubleClick={() => {
        onShow(unit.unit);
      }}
    >
      <div role="gridcell" className="op-name">
        <span>{unit.callSign}</span>
        <Counts alarms={unit.alarms} isBrief />
      </div>
      <div role="gridcell">
        <span className="gh-status" data-status={unit.status ?? "none"} data-testid={`unit-status-${unit.unit}`}>
          {wordOf(t, "status", unit.status ?? "none")}
        </span>
      </div>
      <div role="gridcell" className="op-right">
        {unit.statusSinceUtcUs === null ? "—" : stopwatchText(now - unit.statusSinceUtcUs)}
      </div>
      <div role="gridcell" className="op-right">
        {speed === null || aged.kind !== "live" ? "—" : kmhOf(speed)}
      </div>
      <div role="gridcell">
        {unit.news2 !== null && (
          <span
            className="gh-band op-band"
            data-band={unit.news2.band}
            title={unit.news2.missing.length > 0 ? missingText(t, unit.news2.missing) : undefined}
          >
            {scoreText(unit.news2.low, unit.news2.high)}
          </span>
        )}
      </div>
      <div role="gridcell">
        <span className="gh-link" data-state={unit.link.state} data-testid={`unit-link-${unit.unit}`} title={linkDetail(t, unit.link, now, "hub")}>
          <LinkShape state={unit.link.state} size={14} />
          <b>{t(`link.${unit.link.state}`)}</b>
        </span>
      </div>
      <div role="gridcell" className="op-right" title={bytesText(unit.link.waitingBytes ?? 0)}>
        {waiting === 0 ? "" : waiting.toLocaleString()}
      </div>
      <div role="gridcell" className="op-right op-age" data-age={aged.kind} data-testid={`unit-age-${unit.unit}`}>
        {aged.kind === "none" ? "—" : spanText(t, aged.ageUs)}
      </div>
      <div role="gridcell" className="op-run">
        <LastNode nodes={unit.nodes} now={now} />
      </div>
    </div>
  );
});

/** The node that fell last, and how long ago. */
function LastNode({ nodes, now }: { nodes: readonly NodeView[]; now: number }) {
  const { t } = useTranslation();
  const last = nodes.reduce<NodeView | null>((best, each) => (best === null || each.atUtcUs > best.atUtcUs ? each : best), null);
  if (last === null) return null;
  return (
    <>
      <span>{wordOf(t, "node", last.node)}</span> <b>{stopwatchText(now - last.atUtcUs)}</b>
    </>
  );
}
