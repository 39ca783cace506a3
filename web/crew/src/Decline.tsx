import { useState } from "react";
import { useTranslation } from "react-i18next";

/** Why not: one tap for the usual reasons, or a word of one's own. */
export function Decline({ isBusy, onBack, onSend }: { isBusy: boolean; onBack: () => void; onSend: (reason: string) => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const reasons: readonly string[] = t("crew.declineReasons", { returnObjects: true });
  return (
    <>
      <h2>{t("crew.declineWhy")}</h2>
      <div className="ring-reasons">
        {reasons.map((each, index) => (
          <button
            key={each}
            type="button"
            className="tap"
            data-testid={`advice-reason-${index}`}
            aria-pressed={reason === each}
            onClick={() => {
              setReason(each);
            }}
          >
            {each}
          </button>
        ))}
        <input
          aria-label={t("crew.declineOther")}
          placeholder={t("crew.declineOther")}
          data-testid="advice-reason-other"
          value={reasons.includes(reason) ? "" : reason}
          maxLength={400}
          onChange={(event) => {
            setReason(event.currentTarget.value);
          }}
        />
      </div>
      <div className="ring-buttons">
        <button type="button" className="big quiet" onClick={onBack}>
          {t("common.back")}
        </button>
        <button
          type="button"
          className="big"
          data-testid="advice-decline-send"
          disabled={isBusy || reason.trim() === ""}
          onClick={() => {
            onSend(reason.trim());
          }}
        >
          {t("crew.declineSend")}
        </button>
      </div>
    </>
  );
}
