import { cameraText, ErrorNote, faultsText, givenText, postJson, type T, wordOf } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

import type { CameraState, VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

/** Each device in one word; what is not well stands out, and what it sent in vain is counted by reason. */
export function Devices({ state, take }: { state: VehicleState; take: (answer: unknown) => void }) {
  const { t } = useTranslation();
  const { run, isBusy, error } = useAction();
  return (
    <ul className="now-devices gh-num">
      {state.devices.map((device) => (
        <li key={device.name} data-ok={device.state === "ok"} data-testid={`device-${device.name}`}>
          {wordOf(t, "device.name", device.name)} <b>{t(`device.state.${device.state}`)}</b>
          {device.rejected.length > 0 && <NotUsed rejected={device.rejected} />}
        </li>
      ))}
      {state.cameras.map((camera) => (
        <li key={camera.camera} data-ok={camera.state === "publishing" && camera.reason === null && camera.faults.length === 0} data-testid={`camera-${camera.camera}`} data-step={camera.step}>
          {t("crew.camera", { name: cameraText(t, camera.camera) })} <b>{cameraWords(t, camera)}</b>
          <button
            type="button"
            className="now-shutter"
            data-testid={`shutter-${camera.camera}`}
            aria-pressed={camera.state === "shut"}
            disabled={isBusy}
            onClick={() => {
              run(async () => {
                take(await postJson(`/cameras/${encodeURIComponent(camera.camera)}/shutter`, { closed: camera.state !== "shut" }));
              });
            }}
          >
            {t(camera.state === "shut" ? "crew.openShutter" : "crew.closeShutter")}
          </button>
        </li>
      ))}
      {error !== null && (
        <li>
          <ErrorNote error={error} />
        </li>
      )}
    </ul>
  );
}

/** "live", or what is given up of it and why, and what is wrong with the picture. */
function cameraWords(t: T, camera: CameraState): string {
  const isLive = camera.state === "publishing";
  const first = isLive ? (givenText(t, camera) ?? wordOf(t, "crew.cameraState", camera.state)) : wordOf(t, "crew.cameraState", camera.state);
  return [first, faultsText(t, camera.faults)].filter((each) => each !== null).join(" · ");
}

function NotUsed({ rejected }: { rejected: { reason: string; count: number }[] }) {
  const { t } = useTranslation();
  const count = rejected.reduce((sum, each) => sum + each.count, 0);
  return (
    <details className="now-not-used">
      <summary>{t("device.notUsed", { count })}</summary>
      <dl>
        {rejected.map((each) => (
          <div key={each.reason}>
            <dt>{wordOf(t, "device.reason", each.reason)}</dt>
            <dd>{each.count}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
