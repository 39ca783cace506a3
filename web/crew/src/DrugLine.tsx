import { amountText, drugNames, type Medication } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

/** A drug large enough to be read at arm's length: what, how much, by which way. */
export function DrugLine({ drug }: { drug: Medication }) {
  const { t } = useTranslation();
  const [name, other] = drugNames(drug);
  return (
    <div className="drug">
      <p className="drug-what">
        <b>{name}</b> <small>{other}</small>
      </p>
      <p className="drug-how gh-num">
        <b data-testid="drug-dose">{amountText(drug.dose, drug.unit)}</b>
        <span>{t(`order.route.${drug.route}`)}</span>
        {drug.rate !== null && drug.rateUnit !== null && <span>{amountText(drug.rate, drug.rateUnit)}</span>}
        {drug.weightKg !== null && <span>{`${drug.weightKg} kg`}</span>}
      </p>
      {drug.remark !== null && <p className="drug-remark">{drug.remark}</p>}
      <p className="drug-usual">
        {drug.overrideReason === null
          ? t("order.usual", { range: drug.usual, source: drug.source })
          : t("order.beyondBy", { usual: drug.usual, reason: drug.overrideReason })}
      </p>
    </div>
  );
}
