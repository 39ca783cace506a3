/**
 * The map, outside React: it takes the fleet from the feed, merges what changed, and draws at the
 * pace that a screen can follow. No tile server: the districts come with the page.
 */

import type { FeedClient } from "@goldenhour/shared";
import { Map as MapLibre, type GeoJSONSource, type LngLatBoundsLike, ScaleControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import districts from "./districts.json";
import { featureOf, type UnitFeature } from "./features.ts";
import { drawIcons, ICON_PIXEL_RATIO, MAP_COLORS, type MapColors } from "./icons.ts";

setWorkerUrl(workerUrl);

/** The whole city with a little room, WGS-84. */
const CITY: LngLatBoundsLike = [112.92, 22.53, 114.09, 23.96];
/** The urban core, where nine of ten runs are. */
export const CORE: LngLatBoundsLike = [113.1, 22.98, 113.62, 23.3];
/** Positions come once a second: twice that is as smooth as they are. */
const DRAW_EVERY_MS = 500;
/** Where the processor draws, a picture takes long: so many times as long is left to all else. */
const REST = 3;
const DRAW_AT_LEAST_EVERY_MS = 5_000;
const LABEL_FONT = ["Noto Sans Regular"];

export type Camera = { center: [number, number]; zoom: number };
export type MapOptions = {
  container: HTMLElement;
  feed: FeedClient;
  scheme: "light" | "dark";
  language: "en" | "zh";
  camera: Camera | null;
  ageText: (us: number) => string;
  onChoose: (unit: string | null) => void;
  onReady: () => void;
  onFollowEnd: () => void;
};

type Collection = { type: "FeatureCollection"; features: UnitFeature[] };

export class FleetMap {
  private readonly map: MapLibre;
  private readonly colors: MapColors;
  private readonly stop: (() => void)[] = [];
  private isDirty = true;
  private isReady = false;
  private isFollowing = false;
  private chosen: string | null = null;
  private drawnMs = 0;
  private dueMs = 0;
  private frame = 0;

  constructor(private readonly options: MapOptions) {
    this.colors = MAP_COLORS[options.scheme];
    this.map = new MapLibre({
      container: options.container,
      style: styleOf(this.colors, options.language),
      ...(options.camera ?? { bounds: CORE, fitBoundsOptions: { padding: 24 } }),
      maxBounds: [111.6, 21.6, 115.4, 24.9],
      minZoom: 7.5,
      maxZoom: 18,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      attributionControl: false,
      fadeDuration: 0,
      localIdeographFontFamily: '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new ScaleControl({ maxWidth: 120, unit: "metric" }), "bottom-left");
    this.map.once("load", () => {
      this.begin();
    });
  }

  /** Where the map looks, to go on from there after it is built anew. */
  camera(): Camera {
    const { lng, lat } = this.map.getCenter();
    return { center: [lng, lat], zoom: this.map.getZoom() };
  }

  /** Ring this unit; null: none. */
  choose(unit: string | null): void {
    this.chosen = unit;
    this.isDirty = true;
    if (this.isReady) this.map.setFilter("chosen", ["==", ["get", "unit"], unit ?? ""]);
  }

  /** Bring a unit into view. */
  show(unit: string): void {
    const position = this.options.feed.fleet.one(unit)?.position ?? null;
    if (position === null) return;
    this.map.easeTo({ center: [position.longitudeDeg, position.latitudeDeg], zoom: Math.max(this.map.getZoom(), 13), duration: 500 });
  }

  /** Keep the chosen unit in the middle until the map is moved by hand. */
  follow(isOn: boolean): void {
    this.isFollowing = isOn;
    this.isDirty = true;
    if (isOn && this.chosen !== null) this.show(this.chosen);
  }

  showCity(): void {
    this.map.fitBounds(CITY, { padding: 16, duration: 500 });
  }

  zoomBy(step: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + step, duration: 200 });
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    for (const each of this.stop) each();
    this.map.remove();
  }

  private begin(): void {
    const { map, options } = this;
    for (const { name, image } of drawIcons(this.colors)) map.addImage(name, image, { pixelRatio: ICON_PIXEL_RATIO });
    addUnits(map, this.colors);
    this.isReady = true;
    this.choose(this.chosen);
    this.stop.push(options.feed.fleet.subscribeAll(() => { this.isDirty = true; }));
    // Ages run on when nothing is heard: a silent fleet must grey by itself.
    const aging = setInterval(() => { this.isDirty = true; }, 1_000);
    this.stop.push(() => { clearInterval(aging); });
    map.on("click", (event) => {
      const { x, y } = event.point;
      const [hit] = map.queryRenderedFeatures([[x - 8, y - 8], [x + 8, y + 8]], { layers: ["units"] });
      const unit: unknown = hit?.properties["unit"];
      options.onChoose(typeof unit === "string" ? unit : null);
    });
    map.on("mousemove", "units", () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", "units", () => { map.getCanvas().style.cursor = ""; });
    map.on("dragstart", () => {
      if (this.isFollowing) options.onFollowEnd();
      this.isFollowing = false;
    });
    map.once("render", options.onReady); // not "idle": where drawing is slow, positions come before it is
    this.frame = requestAnimationFrame(this.draw);
  }

  private readonly draw = (ms: number): void => {
    if (this.isDirty && ms >= this.dueMs) {
      this.isDirty = false;
      this.drawnMs = ms;
      this.dueMs = ms + DRAW_AT_LEAST_EVERY_MS;
      this.flush();
      this.map.once("idle", () => {
        const tookMs = performance.now() - this.drawnMs;
        this.dueMs = Math.min(this.dueMs, this.drawnMs + Math.max(DRAW_EVERY_MS, (1 + REST) * tookMs));
      });
    }
    this.frame = requestAnimationFrame(this.draw);
  };

  private flush(): void {
    const { feed, ageText } = this.options;
    const now = feed.clock.nowUtcUs();
    const features: UnitFeature[] = [];
    for (const unit of feed.fleet.all()) {
      const feature = featureOf(unit, now, this.colors, ageText);
      if (feature !== null) features.push(feature);
    }
    const data: Collection = { type: "FeatureCollection", features };
    void this.map.getSource<GeoJSONSource>("units")?.setData(data);
    if (!this.isFollowing || this.chosen === null) return;
    const position = feed.fleet.one(this.chosen)?.position ?? null;
    if (position !== null) this.map.easeTo({ center: [position.longitudeDeg, position.latitudeDeg], duration: DRAW_EVERY_MS });
  }
}

function addUnits(map: MapLibre, colors: MapColors): void {
  map.addSource("units", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  const grow = (from: number, to: number): ["interpolate", ["linear"], ["zoom"], number, unknown, number, unknown] => [
    "interpolate",
    ["linear"],
    ["zoom"],
    9,
    ["*", ["get", "size"], from],
    13,
    ["*", ["get", "size"], to],
  ];
  map.addLayer({
    id: "chosen",
    type: "circle",
    source: "units",
    filter: ["==", ["get", "unit"], ""],
    paint: { "circle-radius": 19, "circle-color": "transparent", "circle-stroke-color": colors.chosen, "circle-stroke-width": 2.5 },
  });
  map.addLayer({
    id: "headings",
    type: "symbol",
    source: "units",
    filter: ["!=", ["get", "pointer"], ""],
    layout: {
      "icon-image": ["get", "pointer"],
      "icon-size": grow(0.8, 1.15) as never,
      "icon-rotate": ["get", "heading"],
      "icon-rotation-alignment": "map",
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
    },
  });
  map.addLayer({
    id: "units",
    type: "symbol",
    source: "units",
    layout: {
      "icon-image": ["get", "icon"],
      "icon-size": grow(0.8, 1.15) as never,
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
      "symbol-sort-key": ["get", "order"],
    },
  });
  map.addLayer({
    id: "unit-labels",
    type: "symbol",
    source: "units",
    minzoom: 10.4,
    layout: {
      "text-field": ["get", "label"],
      "text-font": LABEL_FONT,
      "text-size": 12,
      "text-offset": [0, 1.25],
      "text-anchor": "top",
      "symbol-sort-key": ["-", 0, ["get", "order"]],
    },
    paint: { "text-color": colors.unitLabel, "text-halo-color": colors.halo, "text-halo-width": 1.4 },
  });
}

function styleOf(colors: MapColors, language: "en" | "zh"): StyleSpecification {
  const labels = {
    type: "FeatureCollection" as const,
    features: districts.features.map(({ properties }) => ({
      type: "Feature" as const,
      properties: { name: properties[language] },
      geometry: { type: "Point" as const, coordinates: properties.label },
    })),
  };
  return {
    version: 8,
    sources: {
      districts: { type: "geojson", data: districts as never },
      labels: { type: "geojson", data: labels },
    },
    layers: [
      { id: "background", type: "background", paint: { "background-color": colors.background } },
      { id: "land", type: "fill", source: "districts", paint: { "fill-color": colors.land, "fill-antialias": false } },
      {
        id: "borders",
        type: "line",
        source: "districts",
        layout: { "line-join": "round" },
        paint: { "line-color": colors.border, "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.8, 13, 2] },
      },
      {
        id: "district-labels",
        type: "symbol",
        source: "labels",
        layout: {
          "text-field": ["get", "name"],
          "text-font": LABEL_FONT,
          "text-size": ["interpolate", ["linear"], ["zoom"], 8, 12, 12, 19],
          "text-letter-spacing": 0.08,
          "text-allow-overlap": true,
          "text-ignore-placement": true,
        },
        paint: { "text-color": colors.districtLabel, "text-halo-color": colors.land, "text-halo-width": 1 },
      },
    ],
  };
}
