/**
 * Refuse a dependency whose licence does not allow shipping it. Reads the lock file, so it sees what
 * is really installed; exit 1 names each offender. What ships is listed with its licence text in
 * `third-party-licences.md` of each build.
 */

import { readFileSync } from "node:fs";

const ALLOWED = new Set(["MIT", "MIT-0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "OFL-1.1", "CC0-1.0", "BlueOak-1.0.0", "Unlicense", "Python-2.0"]);
/** Tools that build and check; nothing of them reaches a user. MPL-2.0 binds its own files only. */
const ALLOWED_FOR_TOOLS = new Set([...ALLOWED, "MPL-2.0", "CC-BY-4.0"]);

type Lock = { packages: Record<string, { version?: string; license?: string; dev?: boolean; link?: boolean }> };

const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as Lock;
const isFine = (licence: string, allowed: ReadonlySet<string>): boolean =>
  licence.replace(/[()]/g, "").split(" OR ").some((choice) => choice.split(" AND ").every((each) => allowed.has(each.trim())));

const offenders = Object.entries(lock.packages)
  .filter(([path, { link }]) => path.startsWith("node_modules/") && link !== true)
  .filter(([, { license, dev }]) => !isFine(license ?? "none stated", dev === true ? ALLOWED_FOR_TOOLS : ALLOWED))
  .map(([path, { version, license }]) => `${path.replace("node_modules/", "")} ${version ?? ""}: ${license ?? "none stated"}`);

if (offenders.length > 0) {
  process.stderr.write(`licences that are not allowed:\n${offenders.join("\n")}\n`);
  process.exit(1);
}
process.stdout.write(`licences: ${Object.keys(lock.packages).length} packages checked\n`);
