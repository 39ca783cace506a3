import { useTranslation } from "react-i18next";

import { networkProblem, Problem, sentencesOf } from "./problem.ts";

/** An error as a reader needs it: what happened, what was kept, what to do. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const { what, kept, todo } = sentencesOf(t, error instanceof Problem ? error : networkProblem(error));
  return (
    <div className="gh-error" role="alert" data-testid="error-note">
      <p>
        <strong>{what}</strong>
      </p>
      <p>
        {kept} {todo}
      </p>
      {onRetry !== undefined && (
        <p>
          <button type="button" className="gh-tool" onClick={onRetry}>
            {t("common.retry")}
          </button>
        </p>
      )}
    </div>
  );
}
