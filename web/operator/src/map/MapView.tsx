import { spanText, useFeed } from "@goldenhour/shared";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useImperativeHandle, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Camera, FleetMap } from "./FleetMap.ts";

/** What the list asks of the map. */
export type MapHandle = { show: (unit: string) => void };

type State = "loading" | "ready" | "failed";

/** The map on the page; it is loaded after the list, which does not wait for it. */
export default function MapView({ chosen, onChoose, isFollowing, onFollow, handle }: {
  chosen: string | null;
  onChoose: (unit: string | null) => void;
  isFollowing: boolean;
  onFollow: (isOn: boolean) => void;
  handle: React.RefObject<MapHandle | null>;
}) {
  const { t, i18n } = useTranslation();
  const scheme = useComputedColorScheme("light");
  const language = i18n.language === "zh-CN" ? "zh" : "en";
  const feed = useFeed();
  const boxRef = useRef<HTMLDivElement>(null);
  const mapRef = useRef<FleetMap | null>(null);
  const cameraRef = useRef<Camera | null>(null);
  const [state, setState] = useState<State>("loading");
  const callbacks = useRef({ onChoose, onFollow, t });
  useEffect(() => {
    callbacks.current = { onChoose, onFollow, t };
  });
  useEffect(() => {
    let isOver = false;
    const load = async () => {
      const { FleetMap: Made } = await import("./FleetMap.ts");
      if (hasEnded() || boxRef.current === null) return;
      mapRef.current = new Made({
        container: boxRef.current,
        feed,
        scheme,
        language,
        camera: cameraRef.current,
        ageText: (us) => spanText(callbacks.current.t, us),
        onChoose: (unit) => {
          callbacks.current.onChoose(unit);
        },
        onReady: () => {
          setState("ready");
        },
        onFollowEnd: () => {
          callbacks.current.onFollow(false);
        },
      });
    };
    const hasEnded = () => isOver;
    load().catch(() => {
      setState("failed");
    });
    return () => {
      isOver = true;
      cameraRef.current = mapRef.current?.camera() ?? null;
      mapRef.current?.destroy();
      mapRef.current = null;
    };
  }, [feed, scheme, language]);
  useImperativeHandle(handle, () => ({ show: (unit) => mapRef.current?.show(unit) }), []);
  useEffect(() => {
    mapRef.current?.choose(chosen);
  }, [chosen, state, scheme, language]);
  useEffect(() => {
    mapRef.current?.follow(isFollowing);
  }, [isFollowing, chosen]);
  return (
    <>
      <div ref={boxRef} className="op-map-canvas" data-testid="map" />
      {state === "ready" && <span data-testid="map-ready" hidden />}
      {state !== "ready" && (
        <div className="op-map-note" role="status">
          {t(state === "failed" ? "operator.mapFailed" : "operator.mapLoading")}
        </div>
      )}
      <div className="op-map-tools">
        <button type="button" aria-label={t("operator.zoomIn")} onClick={() => mapRef.current?.zoomBy(1)}>
          +
        </button>
        <button type="button" aria-label={t("operator.zoomOut")} onClick={() => mapRef.current?.zoomBy(-1)}>
          −
        </button>
        <button type="button" className="op-map-city" onClick={() => mapRef.current?.showCity()}>
          {t("operator.city")}
        </button>
      </div>
      <p className="op-map-credit">{t("operator.mapCredit")}</p>
    </>
  );
}
