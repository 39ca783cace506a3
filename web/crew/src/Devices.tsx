import { useTranslation } from "react-i18next";

import type { VehicleState } from "./state.ts";

/** Each device in one word; what is not well stands out. */
export function Devices({ state }: { state: VehicleState }) {
  const { t } = useTranslation();
  return (
    <ul className="now-devices">
      {state.devices.map((device) => (
        <li key={device.name} data-ok={device.state === "ok"} data-testid={`device-${device.name}`}>
          {device.name} <b>{t(`crew.device.${device.state}`)}</b>
        </li>
      ))}
      {state.cameras.map((camera) => (
        <li key={camera.camera} data-ok={camera.state === "live" || camera.state === "ok" || camera.state === "publishing"}>
          {t("crew.camera", { name: camera.camera })} <b>{camera.state}</b>
        </li>
      ))}
    </ul>
  );
}
