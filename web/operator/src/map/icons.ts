/** Unit symbols, drawn once: profile by shape, status by colour, stale by grey. */

import type { Profile } from "@goldenhour/shared";

export type MapColors = {
  background: string;
  land: string;
  border: string;
  districtLabel: string;
  unitLabel: string;
  halo: string;
  symbolEdge: string;
  stale: string;
  chosen: string;
  status: Readonly<Record<string, string>>;
};

export const MAP_COLORS: Record<"light" | "dark", MapColors> = {
  light: {
    background: "#e6eaee",
    land: "#f8f9fa",
    border: "#c4ccd5",
    districtLabel: "#8b96a2",
    unitLabel: "#20262d",
    halo: "#ffffff",
    symbolEdge: "#ffffff",
    stale: "#a3abb4",
    chosen: "#12161b",
    status: {
      available: "#1a7a3c",
      en_route: "#1b5fc9",
      on_scene: "#6d3fc4",
      with_patient: "#a8407f",
      transporting: "#a8407f",
      at_hospital: "#06708c",
      clearing: "#59636e",
      none: "#59636e",
    },
  },
  dark: {
    background: "#07090c",
    land: "#12171c",
    border: "#2d3742",
    districtLabel: "#5d6873",
    unitLabel: "#e2e7ec",
    halo: "#0a0d10",
    symbolEdge: "#0a0d10",
    stale: "#59636e",
    chosen: "#ffffff",
    status: {
      available: "#4cc47a",
      en_route: "#6aa8ff",
      on_scene: "#b093f5",
      with_patient: "#ee8fc4",
      transporting: "#ee8fc4",
      at_hospital: "#6cd3f2",
      clearing: "#a7b1bc",
      none: "#a7b1bc",
    },
  },
};

export const ICON_PIXEL_RATIO = 2;
const SIZE = 26;
const POINTER_SIZE = 44;

export type Icon = { name: string; image: ImageData };

export function iconName(profile: Profile, status: string, isStale: boolean, colors: MapColors): string {
  if (isStale) return `${profile}-stale`;
  return `${profile}-${status in colors.status ? status : "none"}`;
}

/** Every symbol that the map may need. */
export function drawIcons(colors: MapColors): Icon[] {
  const icons: Icon[] = [];
  for (const profile of ["ambulance", "patrol"] as const) {
    for (const [status, color] of [...Object.entries(colors.status), ["stale", colors.stale] as const]) {
      icons.push({ name: `${profile}-${status}`, image: drawn(SIZE, (context) => { drawUnit(context, profile, color, colors.symbolEdge); }) });
    }
  }
  for (const [status, color] of Object.entries(colors.status)) {
    icons.push({ name: `pointer-${status}`, image: drawn(POINTER_SIZE, (context) => { drawPointer(context, color, colors.symbolEdge); }) });
  }
  return icons;
}

function drawn(size: number, draw: (context: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = size * ICON_PIXEL_RATIO;
  canvas.height = size * ICON_PIXEL_RATIO;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("no 2D canvas");
  context.scale(ICON_PIXEL_RATIO, ICON_PIXEL_RATIO);
  draw(context);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** An ambulance is a rounded square with a cross, a patrol a shield with a bar. */
function drawUnit(context: CanvasRenderingContext2D, profile: Profile, color: string, edge: string): void {
  const middle = SIZE / 2;
  context.beginPath();
  if (profile === "ambulance") {
    context.roundRect(4, 4, SIZE - 8, SIZE - 8, 5);
  } else {
    context.moveTo(middle, 3);
    context.lineTo(SIZE - 4, 6.5);
    context.lineTo(SIZE - 4, 13);
    context.quadraticCurveTo(SIZE - 5, 20, middle, SIZE - 2.5);
    context.quadraticCurveTo(5, 20, 4, 13);
    context.lineTo(4, 6.5);
    context.closePath();
  }
  context.fillStyle = color;
  context.fill();
  context.lineWidth = 1.6;
  context.strokeStyle = edge;
  context.stroke();
  context.fillStyle = edge;
  if (profile === "ambulance") {
    context.fillRect(middle - 1.5, 8, 3, SIZE - 16);
    context.fillRect(8, middle - 1.5, SIZE - 16, 3);
  } else {
    context.fillRect(8, 11, SIZE - 16, 2.6);
  }
}

/** Points up; the map turns it to the heading. */
function drawPointer(context: CanvasRenderingContext2D, color: string, edge: string): void {
  const middle = POINTER_SIZE / 2;
  context.beginPath();
  context.moveTo(middle, 1.5);
  context.lineTo(middle + 5.5, 10);
  context.lineTo(middle - 5.5, 10);
  context.closePath();
  context.fillStyle = color;
  context.fill();
  context.lineWidth = 1.2;
  context.strokeStyle = edge;
  context.stroke();
}
