import { useTranslation } from "react-i18next";

import { type Group, GROUPS } from "./board.ts";

/** How the fleet stands, in numbers that filter the list. */
export function Summary({ counts, chosen, onChoose }: { counts: Record<Group, number>; chosen: Group; onChoose: (group: Group) => void }) {
  const { t } = useTranslation();
  const labelOf = (group: Group): string => {
    switch (group) {
      case "total":
      case "patients":
      case "quiet":
      case "waiting":
      case "alarms":
        return t(`operator.${group}`);
      case "available":
      case "en_route":
      case "on_scene":
      case "at_hospital":
        return t(`status.${group}`);
    }
  };
  return (
    <div className="op-summary gh-num" role="group" aria-label={t("operator.units")}>
      {GROUPS.map((group) => (
        <button
          key={group}
          type="button"
          data-testid={`group-${group}`}
          data-group={group}
          data-count={counts[group]}
          aria-pressed={group === chosen}
          onClick={() => {
            onChoose(group === chosen ? "total" : group);
          }}
        >
          <b>{counts[group]}</b>
          <span>{labelOf(group)}</span>
        </button>
      ))}
    </div>
  );
}
