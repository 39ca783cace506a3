import { Empty } from "@goldenhour/shared";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { getFleetHealth, SEVERITIES, severityOf, type UnitHealth } from "./fleetHealth.ts";
import { HealthPanel } from "./HealthPanel.tsx";
import { HealthRow } from "./HealthRow.tsx";
import { useAsked } from "./useAsked.ts";

const ASK_S = 5;
const GROUPS = ["all", ...SEVERITIES, "well"] as const;
const COLUMNS = ["unit", "problems", "link", "waiting", "disk", "clock", "devices", "cameras", "software", "reported"] as const;

type Group = (typeof GROUPS)[number];

/** Every vehicle's link, journal, disk, clock, devices and version; what is wrong first. */
export function HealthPage() {
  const { t } = useTranslation();
  const { answer, error } = useAsked(getFleetHealth, ASK_S * 1_000);
  const [group, setGroup] = useState<Group>("all");
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const filter = useRef<HTMLInputElement>(null);
  const units = useMemo(() => answer ?? [], [answer]);
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return units.filter(
      (unit) => (group === "all" || severityOf(unit) === group) && `${unit.unit} ${unit.callSign} ${unit.software ?? ""}`.toLowerCase().includes(wanted),
    );
  }, [units, group, text]);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key === "/" && !isTyping) {
        filter.current?.focus();
        event.preventDefault();
      } else if (event.key === "Escape") {
        if (isTyping) event.target.blur();
        else setChosen(null);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const at = rows.findIndex((unit) => unit.unit === chosen);
    setChosen(rows[Math.max(0, Math.min(rows.length - 1, at + step))]?.unit ?? null);
    event.preventDefault();
  };
  const unit = units.find((each) => each.unit === chosen);
  return (
    <main className="op-health" data-testid="fleet-health">
      <section className="op-health-list" aria-label={t("health.title")}>
        <div className="op-health-tools">
          <Groups units={units} chosen={group} onChoose={setGroup} />
          <input
            ref={filter}
            type="search"
            placeholder={t("operator.filter")}
            aria-label={t("operator.filter")}
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
            }}
          />
          <span className="gh-faint op-keys">{t("health.keys")}</span>
        </div>
        {error !== null && (
          <p className="op-health-error" role="alert">
            {t("health.notLoaded", { seconds: ASK_S })}
          </p>
        )}
        <div className="op-health-grid gh-num" role="grid" tabIndex={0} aria-rowcount={rows.length} aria-label={t("health.title")} onKeyDown={onKeyDown}>
          <div className="op-health-row op-head" role="row">
            {COLUMNS.map((column) => (
              <div key={column} role="columnheader" data-column={column}>
                {t(`health.columns.${column}`)}
              </div>
            ))}
          </div>
          {rows.map((each) => (
            <HealthRow key={each.unit} unit={each} isChosen={each.unit === chosen} onChoose={setChosen} />
          ))}
          {answer !== null && rows.length === 0 && <Empty what={t(units.length === 0 ? "operator.emptyFleet" : "health.empty")} />}
        </div>
      </section>
      <aside className="op-health-panel gh-num" aria-live="off">
        {unit === undefined ? (
          <Empty what={t("health.choose")} />
        ) : (
          <HealthPanel
            key={unit.unit}
            unit={unit}
            onClose={() => {
              setChosen(null);
            }}
          />
        )}
      </aside>
    </main>
  );
}

function Groups({ units, chosen, onChoose }: { units: readonly UnitHealth[]; chosen: Group; onChoose: (group: Group) => void }) {
  const { t } = useTranslation();
  const count = (group: Group) => (group === "all" ? units.length : units.filter((unit) => severityOf(unit) === group).length);
  return (
    <div className="op-health-groups" role="group" aria-label={t("health.columns.problems")}>
      {GROUPS.map((group) => (
        <button
          key={group}
          type="button"
          className="gh-tool"
          data-testid={`health-${group}`}
          data-severity={group}
          aria-pressed={group === chosen}
          onClick={() => {
            onChoose(group);
          }}
        >
          {t(`health.${group}`)} <b className="gh-num">{count(group)}</b>
        </button>
      ))}
    </div>
  );
}
