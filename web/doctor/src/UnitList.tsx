import {
  ageOf,
  bandText,
  Counts,
  Empty,
  LinkIndicator,
  missingText,
  scoreText,
  spanText,
  type UnitView,
  useFleet,
  useFleetTold,
  useNow,
  wordOf,
} from "@goldenhour/shared";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { sortForDoctor } from "./order.ts";

/** Who is coming, the sickest first. */
export function UnitList({ chosen, onChoose }: { chosen: string | null; onChoose: (unit: string) => void }) {
  const { t } = useTranslation();
  const units = useFleet();
  const isTold = useFleetTold();
  const [showLight, setShowLight] = useState(false);
  const { patients, others } = useMemo(() => sortForDoctor(units), [units]);
  const equipped = others.filter((each) => !each.light);
  const light = others.filter((each) => each.light);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(".doc-row")];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
    event.preventDefault();
  };
  const rowsOf = (list: readonly UnitView[]) =>
    list.map((unit) => <Row key={unit.unit} unit={unit} isChosen={unit.unit === chosen} onChoose={onChoose} />);
  return (
    <nav className="doc-list" id={chosen === null ? "main" : undefined} aria-label={t("doctor.list")} onKeyDown={onKeyDown}>
      <h2>
        {t("doctor.incoming")} <span className="gh-num">{patients.length}</span>
      </h2>
      {patients.length === 0 && isTold && <Empty what={t("doctor.noPatients")} />}
      {rowsOf(patients)}
      <h2>
        {t("doctor.others")} <span className="gh-num">{others.length}</span>
      </h2>
      {isTold && units.length === 0 && <Empty what={t("doctor.noUnits")} />}
      {rowsOf(equipped)}
      {light.length > 0 && (
        <button
          type="button"
          className="doc-more"
          data-testid="show-others"
          aria-expanded={showLight}
          onClick={() => {
            setShowLight(!showLight);
          }}
        >
          {t("doctor.showOthers", { n: light.length })}
        </button>
      )}
      {showLight && rowsOf(light)}
    </nav>
  );
}

function Row({ unit, isChosen, onChoose }: { unit: UnitView; isChosen: boolean; onChoose: (unit: string) => void }) {
  const { t } = useTranslation();
  const now = useNow();
  const heard = Math.max(unit.position?.capturedUtcUs ?? 0, unit.link.lastHeardUtcUs ?? 0);
  const aged = ageOf(heard === 0 ? null : heard, now, "position");
  return (
    <button
      type="button"
      className="doc-row gh-num"
      data-testid={`unit-row-${unit.unit}`}
      data-age={aged.kind}
      aria-current={isChosen ? "true" : undefined}
      onClick={() => {
        onChoose(unit.unit);
      }}
    >
      <span className="doc-row-name">{unit.callSign}</span>
      <span className="doc-row-score">
        <Counts alarms={unit.alarms} isBrief />
        {unit.news2 !== null && (
          <span className="gh-band" data-band={unit.news2.band} title={bandText(t, unit.news2.band)}>
            NEWS2 {scoreText(unit.news2.low, unit.news2.high)}
          </span>
        )}
      </span>
      <span className="gh-status" data-status={unit.status ?? "none"}>
        {wordOf(t, "status", unit.status ?? "none")}
      </span>
      <span className="doc-row-link">
        <LinkIndicator link={unit.link} seenFrom="hub" isBrief />
        <span className="doc-row-age" data-testid={`unit-age-${unit.unit}`} data-age={aged.kind}>
          {aged.kind === "none" ? "—" : spanText(t, aged.ageUs)}
        </span>
      </span>
      {unit.news2 !== null && unit.news2.missing.length > 0 && (
        <span className="doc-row-missing">{missingText(t, unit.news2.missing)}</span>
      )}
    </button>
  );
}
