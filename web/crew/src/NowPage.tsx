import {
  clockText,
  ErrorNote,
  type NodeView,
  postJson,
  stopwatchText,
  useNow,
  wordOf,
} from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

import { Devices } from "./Devices.tsx";
import type { Task, VehicleState } from "./state.ts";
import { useAction } from "./useVehicle.ts";

/** What to do now: the task, the one next step, and the time since each node. */
export function NowPage({ state, take }: { state: VehicleState; take: (answer: unknown) => void }) {
  const { t } = useTranslation();
  const now = useNow();
  const { run, isBusy, error } = useAction();
  const undoLeftUs = state.canUndoUntilUtcUs === null ? 0 : state.canUndoUntilUtcUs - now;
  const nodes = [...state.nodes].sort((a, b) => b.atUtcUs - a.atUtcUs);
  return (
    <div className="now">
      <section className="now-left">
        <TaskCard task={state.task} />
        <ol className="now-nodes gh-num" data-testid="nodes">
          {nodes.length === 0 && <li className="gh-dim now-empty">{t("node.empty")}</li>}
          {nodes.map((node) => (
            <li key={node.node} data-testid={`node-${node.node}`}>
              <span>{wordOf(t, "node", node.node)}</span>
              <time>{clockText(node.atUtcUs)}</time>
              <b>{stopwatchText(now - node.atUtcUs)}</b>
            </li>
          ))}
        </ol>
        <Devices state={state} take={take} />
      </section>
      <section className="now-right">
        <div className="now-status" data-testid="status-now" data-status={state.status}>
          <small>{t("crew.status")}</small>
          <span className="gh-status" data-status={state.status}>
            {wordOf(t, "status", state.status)}
          </span>
        </div>
        {state.status !== "available" && <RunClocks nodes={state.nodes} now={now} />}
        {error !== null && <ErrorNote error={error} />}
        {undoLeftUs > 0 && (
          <button
            type="button"
            className="now-undo gh-num"
            data-testid="undo"
            disabled={isBusy}
            onClick={() => {
              run(async () => {
                take(await postJson("/status/undo"));
              });
            }}
          >
            {t("crew.undo", { seconds: Math.ceil(undoLeftUs / 1_000_000) })}
          </button>
        )}
        {state.nextEvent !== null && (
          <button
            type="button"
            className="now-next"
            data-testid="next-step"
            data-event={state.nextEvent}
            disabled={isBusy}
            onClick={() => {
              const event = state.nextEvent;
              run(async () => {
                take(await postJson("/status", { event }));
              });
            }}
          >
            <small>{t("crew.next")}</small>
            {t(`event.${state.nextEvent}`)}
          </button>
        )}
      </section>
    </div>
  );
}

/** The two clocks that a run is judged by: since the patient was reached, and since it began. */
function RunClocks({ nodes, now }: { nodes: readonly NodeView[]; now: number }) {
  const { t } = useTranslation();
  const contact = nodes.find((each) => each.node === "first_medical_contact");
  const first = nodes.reduce<NodeView | null>((best, each) => (best === null || each.atUtcUs < best.atUtcUs ? each : best), null);
  const shown = [contact ?? null, first].filter((each) => each !== null);
  return (
    <div className="now-clocks gh-num">
      {shown.map((each) => (
        <div key={each.node}>
          <small>{t("crew.since", { node: wordOf(t, "node", each.node) })}</small>
          <b>{stopwatchText(now - each.atUtcUs)}</b>
        </div>
      ))}
    </div>
  );
}

function TaskCard({ task }: { task: Task | null }) {
  const { t } = useTranslation();
  if (task === null) {
    return (
      <div className="now-task gh-dim">
        <strong>{t("crew.noTask")}</strong> {t("crew.noTaskHint")}
      </div>
    );
  }
  return (
    <div className="now-task" data-testid="task">
      <strong>{task.address}</strong>
      <p>{task.summary}</p>
      {task.latitudeDeg !== null && task.longitudeDeg !== null && (
        <a className="now-navigate" href={`geo:${task.latitudeDeg},${task.longitudeDeg}`}>
          {t("crew.navigate")}
        </a>
      )}
    </div>
  );
}
