import { AlarmBar, ErrorNote, postJson, removeJson, useFeedPhase, useNow } from "@goldenhour/shared";

import type { VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

/** The vehicle's alarms over every page: heard, seen by name, and silenced for two minutes at most. */
export function VehicleAlarms({ state, take }: { state: VehicleState; take: (answer: unknown) => void }) {
  const { run, error } = useAction();
  const phase = useFeedPhase();
  const now = useNow();
  return (
    <div className="crew-alarms">
      <AlarmBar
        alarms={state.alarms}
        staleUs={phase === "open" ? null : Math.max(0, now - state.nowUtcUs)}
        silence={{
          untilUtcUs: state.audioPausedUntilUtcUs,
          onPause: () => {
            run(async () => {
              take(await postJson("/alarms/pause"));
            });
          },
          onSound: () => {
            run(async () => {
              take(await removeJson("/alarms/pause"));
            });
          },
        }}
        onAcknowledge={(alarm) => {
          run(async () => {
            take(await postJson(`/alarms/${alarm.alarmId}/acknowledge`));
          });
        }}
      />
      {error !== null && <ErrorNote error={error} />}
    </div>
  );
}
