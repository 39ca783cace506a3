/** Units as map features. Pure. */

import { ageOf, type UnitView } from "@goldenhour/shared";

import { iconName, type MapColors } from "./icons.ts";

export type UnitFeature = {
  type: "Feature";
  geometry: { type: "Point"; coordinates: [number, number] };
  properties: {
    unit: string;
    icon: string;
    pointer: string;
    heading: number;
    size: number;
    label: string;
    /** Drawn later lies on top: patients over all, light ones below. */
    order: number;
  };
};

/** Slower than this a heading is noise. */
const MOVING_MPS = 1;

/** Return the feature of `unit`; null where no position is known. `ageText` says how old a stale one is. */
export function featureOf(unit: UnitView, nowUtcUs: number, colors: MapColors, ageText: (us: number) => string): UnitFeature | null {
  const { position } = unit;
  if (position === null) return null;
  const aged = ageOf(position.capturedUtcUs, nowUtcUs, "position");
  const isStale = aged.kind === "stale";
  const status = unit.status ?? "none";
  const isMoving = !isStale && position.headingDeg !== null && (position.speedMps ?? 0) >= MOVING_MPS;
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: [position.longitudeDeg, position.latitudeDeg] },
    properties: {
      unit: unit.unit,
      icon: iconName(unit.profile, status, isStale, colors),
      pointer: isMoving ? `pointer-${status in colors.status ? status : "none"}` : "",
      heading: position.headingDeg ?? 0,
      size: unit.light ? 0.74 : 1,
      label: isStale ? `${unit.callSign} · ${ageText(aged.ageUs)}` : unit.callSign,
      order: (unit.light ? 0 : 10) + (unit.status === "transporting" || unit.status === "with_patient" ? 5 : 0) - (isStale ? 3 : 0),
    },
  };
}
