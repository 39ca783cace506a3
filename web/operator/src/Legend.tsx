import { useTranslation } from "react-i18next";

const STATUSES = ["available", "en_route", "on_scene", "transporting", "at_hospital", "clearing"] as const;

/** What the symbols mean: shape for the profile, colour for the status, grey for age. */
export function Legend() {
  const { t } = useTranslation();
  return (
    <details className="op-legend" open>
      <summary>{t("operator.legend")}</summary>
      <ul>
        {STATUSES.map((status) => (
          <li key={status}>
            <span className="gh-status" data-status={status}>
              {t(`status.${status}`)}
            </span>
          </li>
        ))}
        <li>
          <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
            <rect x="1" y="1" width="12" height="12" rx="3" fill="currentColor" />
            <path d="M7 3.500v7M3.500 7h7" stroke="var(--gh-surface)" strokeWidth="1.8" />
          </svg>
          {t("profile.ambulance")}
        </li>
        <li>
          <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
            <path d="M7 .8l5.500 2v4c0 3.200-2.300 5.200-5.500 6.400C3.800 12 1.500 10 1.500 6.800v-4z" fill="currentColor" />
          </svg>
          {t("profile.patrol")}
        </li>
        <li className="gh-faint">{t("operator.legendStale")}</li>
        <li className="gh-faint">{t("operator.legendLight")}</li>
      </ul>
    </details>
  );
}
