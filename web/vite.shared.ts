/** What the three apps' builds have in common. */

import react from "@vitejs/plugin-react";
import { defineConfig, type UserConfig } from "vite";

/** Where `npm run dev:…` sends API calls: a running demo. */
const DEV_SERVER = process.env["GOLDENHOUR_DEV_SERVER"] ?? "http://127.0.0.1:8080";

export function page({ base, outDir }: { base: string; outDir: string }): UserConfig {
  return defineConfig({
    base,
    plugins: [react()],
    build: { outDir, emptyOutDir: true, target: "es2023", chunkSizeWarningLimit: 1_200, license: { fileName: "third-party-licences.md" } },
    worker: { format: "es" },
    server: { proxy: { "/api": { target: DEV_SERVER, ws: true } } },
  });
}
