import { AlarmBar, type UnitView, useFeedPhase, useNow } from "@goldenhour/shared";
import { useState } from "react";

const PAUSE_US = 120_000_000;

/** The alarms of the unit whose room is open. The crew acknowledges; here the sound can pause. */
export function UnitAlarms({ unit }: { unit: UnitView | undefined }) {
  const now = useNow();
  const phase = useFeedPhase();
  const [untilUtcUs, setUntil] = useState<number | null>(null);
  if (unit === undefined) return null;
  const isHeard = phase === "open" && unit.link.state !== "lost" && unit.link.state !== "unknown";
  const heardUtcUs = unit.link.lastHeardUtcUs ?? now;
  return (
    <AlarmBar
      alarms={unit.alarms}
      staleUs={isHeard ? null : Math.max(0, now - heardUtcUs)}
      silence={{
        untilUtcUs,
        onPause: () => {
          setUntil(now + PAUSE_US);
        },
        onSound: () => {
          setUntil(null);
        },
      }}
    />
  );
}
