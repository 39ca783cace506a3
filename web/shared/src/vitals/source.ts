/** What the vehicle says of where its numbers come from, in the words of the screen. */

import { type T, wordOf } from "../i18n/index.ts";

/**
 * Word a source: `usual; field, field: other`. A model and a recording are named in the screen's language;
 * any other name is a device's own and stays.
 */
export function sourceText(t: T, source: string): string {
  return source
    .split("; ")
    .map((part) => {
      const [, fields, name] = /^([a-z0-9_]+(?:, [a-z0-9_]+)*): (.+)$/.exec(part) ?? [];
      if (fields === undefined || name === undefined) return nameText(t, part);
      const words = fields.split(", ").map((field) => wordOf(t, "vitals", field));
      return `${words.join(", ")}: ${nameText(t, name)}`;
    })
    .join("; ");
}

function nameText(t: T, name: string): string {
  if (name === "model") return t("vitals.sourceModel");
  return name.includes("recording") ? t("vitals.sourceRecording") : name;
}
