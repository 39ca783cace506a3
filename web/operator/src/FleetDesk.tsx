import { useFleet, useNow, wordOf } from "@goldenhour/shared";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Board } from "./Board.tsx";
import { countGroups, filterUnits, type Group, type Sort, sortUnits } from "./board.ts";
import { FleetAlarms } from "./FleetAlarms.tsx";
import { Legend } from "./Legend.tsx";
import type { MapHandle } from "./map/MapView.tsx";
import { Summary } from "./Summary.tsx";
import { UnitPanel } from "./UnitPanel.tsx";

const MapView = lazy(() => import("./map/MapView.tsx"));

/** The map, and the list beside it. */
export function FleetDesk() {
  const { t } = useTranslation();
  const units = useFleet();
  const now = useNow();
  const [chosen, setChosen] = useState<string | null>(null);
  const [isFollowing, setFollowing] = useState(false);
  const [group, setGroup] = useState<Group>("total");
  const [text, setText] = useState("");
  const [sort, setSort] = useState<Sort>({ column: "callSign", isDown: false });
  const map = useRef<MapHandle | null>(null);
  const filterRef = useRef<HTMLInputElement>(null);
  const counts = useMemo(() => countGroups(units, now), [units, now]);
  const rows = useMemo(() => {
    const kept = filterUnits(units, group, text, now, (unit) => `${wordOf(t, "status", unit.status ?? "none")} ${t(`link.${unit.link.state}`)}`);
    return sortUnits(kept, sort);
  }, [units, group, text, now, sort, t]);
  const choose = useCallback((unit: string | null) => {
    setChosen(unit);
    if (unit === null) setFollowing(false);
  }, []);
  const show = useCallback((unit: string) => {
    map.current?.show(unit);
  }, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key === "/" && !isTyping) {
        filterRef.current?.focus();
        event.preventDefault();
      } else if (event.key === "Escape") {
        if (isTyping) (event.target).blur();
        else choose(null);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
    };
  }, [choose]);
  return (
    <>
      <FleetAlarms units={units} onChoose={choose} />
      <div className="op-body">
        <section className="op-map" aria-label={t("operator.position")}>
          <Suspense fallback={<div className="op-map-note">{t("operator.mapLoading")}</div>}>
            <MapView chosen={chosen} onChoose={choose} isFollowing={isFollowing} onFollow={setFollowing} handle={map} />
          </Suspense>
          <Legend />
          {chosen !== null && (
            <UnitPanel
              key={chosen}
              unit={chosen}
              isFollowing={isFollowing}
              onFollow={setFollowing}
              onClose={() => {
                choose(null);
              }}
            />
          )}
        </section>
        <section className="op-side" id="units" aria-label={t("operator.units")}>
          <Summary counts={counts} chosen={group} onChoose={setGroup} />
          <div className="op-filter">
            <input
              ref={filterRef}
              type="search"
              data-testid="unit-filter"
              placeholder={t("operator.filter")}
              aria-label={t("operator.filter")}
              value={text}
              onChange={(event) => {
                setText(event.currentTarget.value);
              }}
            />
            <span className="gh-faint op-keys">{t("operator.keys")}</span>
          </div>
          <Board rows={rows} isEmptyFleet={units.length === 0} chosen={chosen} sort={sort} onSort={setSort} onChoose={choose} onShow={show} />
        </section>
      </div>
    </>
  );
}
