import { Empty, useFleetTold, type UnitView } from "@goldenhour/shared";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Column, COLUMNS, type Sort } from "./board.ts";
import { BoardRow } from "./BoardRow.tsx";

export const ROW_PX = 34;
/** Longer lists draw only what is in view, with some rows around it. */
const WINDOW_FROM = 200;
const AROUND = 12;

/** All units, dense; arrows move the choice, Enter shows it on the map. */
export function Board({ rows, isEmptyFleet, chosen, sort, onSort, onChoose, onShow }: {
  rows: readonly UnitView[];
  isEmptyFleet: boolean;
  chosen: string | null;
  sort: Sort;
  onSort: (sort: Sort) => void;
  onChoose: (unit: string | null) => void;
  onShow: (unit: string) => void;
}) {
  const { t } = useTranslation();
  const isTold = useFleetTold();
  const scrollRef = useRef<HTMLDivElement>(null);
  const view = useWindow(scrollRef, rows.length);
  const at = rows.findIndex((each) => each.unit === chosen);
  useEffect(() => {
    const box = scrollRef.current;
    if (box === null || at < 0) return;
    const top = at * ROW_PX;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + 2 * ROW_PX > box.scrollTop + box.clientHeight) box.scrollTop = top + 2 * ROW_PX - box.clientHeight;
  }, [at]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    if (step !== undefined) {
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
      if (next !== undefined) onChoose(next.unit);
      event.preventDefault();
    } else if (event.key === "Enter" && chosen !== null) {
      onShow(chosen);
    }
  };
  return (
    <div
      ref={scrollRef}
      className="op-board gh-num"
      role="grid"
      tabIndex={0}
      aria-label={t("operator.units")}
      aria-rowcount={rows.length}
      aria-activedescendant={at < 0 ? undefined : `row-${chosen ?? ""}`}
      data-testid="unit-board"
      onKeyDown={onKeyDown}
    >
      <div className="op-row op-head" role="row">
        {COLUMNS.map((column) => (
          <Head key={column} column={column} sort={sort} onSort={onSort} />
        ))}
      </div>
      {rows.length === 0 && isTold && <Empty what={t(isEmptyFleet ? "operator.emptyFleet" : "operator.empty")} />}
      <div style={{ height: view.first * ROW_PX }} />
      {rows.slice(view.first, view.last).map((unit) => (
        <BoardRow key={unit.unit} unit={unit} isChosen={unit.unit === chosen} onChoose={onChoose} onShow={onShow} />
      ))}
      <div style={{ height: (rows.length - view.last) * ROW_PX }} />
    </div>
  );
}

function Head({ column, sort, onSort }: { column: Column; sort: Sort; onSort: (sort: Sort) => void }) {
  const { t } = useTranslation();
  const isSorted = sort.column === column;
  const name = t(`operator.columns.${column}`);
  return (
    <div role="columnheader" aria-sort={isSorted ? (sort.isDown ? "descending" : "ascending") : "none"} data-column={column}>
      <button
        type="button"
        className="gh-plain"
        data-testid={`sort-${column}`}
        title={t("operator.sortBy", { column: name })}
        onClick={() => {
          onSort({ column, isDown: isSorted ? !sort.isDown : false });
        }}
      >
        {name}
        <span aria-hidden="true">{isSorted ? (sort.isDown ? " ↓" : " ↑") : ""}</span>
      </button>
    </div>
  );
}

/** Which rows to draw. */
function useWindow(box: React.RefObject<HTMLDivElement | null>, count: number): { first: number; last: number } {
  const [span, setSpan] = useState({ first: 0, last: WINDOW_FROM });
  const isLong = count > WINDOW_FROM;
  useEffect(() => {
    const element = box.current;
    if (element === null || !isLong) return undefined;
    const look = () => {
      const first = Math.max(0, Math.floor(element.scrollTop / ROW_PX) - AROUND);
      const last = Math.ceil((element.scrollTop + element.clientHeight) / ROW_PX) + AROUND;
      setSpan((before) => (before.first === first && before.last === last ? before : { first, last }));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      element.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [box, isLong]);
  if (!isLong) return { first: 0, last: count };
  return { first: Math.min(span.first, count), last: Math.min(span.last, count) };
}
