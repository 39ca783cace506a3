import { useTranslation } from "react-i18next";

import { wordOf } from "../i18n/index.ts";
import { clockText, stopwatchText } from "../units/index.ts";
import type { NodeView } from "../wire/feed.ts";
import { Empty } from "../theme/Chrome.tsx";

const SOURCES = ["geofence", "device", "button", "dispatch"] as const;

/** The nodes of the run as they fell, with the time from one to the next and what stamped each. */
export function TimeNodes({ nodes, nowUtcUs }: { nodes: readonly NodeView[]; nowUtcUs?: number }) {
  const { t } = useTranslation();
  if (nodes.length === 0) return <Empty what={t("node.empty")} />;
  const sorted = [...nodes].sort((a, b) => a.atUtcUs - b.atUtcUs);
  return (
    <ol className="gh-nodes gh-num" data-testid="nodes">
      {sorted.map((node, index) => {
        const before = sorted[index - 1];
        const source = SOURCES.find((each) => each === node.source);
        return (
          <li key={node.node} data-testid={`node-${node.node}`}>
            <span>
              {wordOf(t, "node", node.node)}
              <span className="gh-node-source">{source === undefined ? node.source : t(`node.by.${source}`)}</span>
            </span>
            <time dateTime={new Date(node.atUtcUs / 1_000).toISOString()}>{clockText(node.atUtcUs, true)}</time>
            <span className="gh-node-after">
              {nowUtcUs !== undefined
                ? stopwatchText(nowUtcUs - node.atUtcUs)
                : before !== undefined && t("node.after", { span: stopwatchText(node.atUtcUs - before.atUtcUs) })}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
