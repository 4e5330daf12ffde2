// Constraints in words.
import type { Constraint } from "./api/contract";
import { short, t, word } from "./text";

function amount(constraint: Constraint): string {
  const { min, max } = constraint;
  const several = Math.max(min ?? 0, max ?? 0) !== 1;
  const name = short(constraint.unit, "LENGTH_UNIT_") || "UNSPECIFIED";
  const unit = several ? word("unit", name) : word("one", name);
  if (min !== undefined && min === max) return t("exactly", { n: min, unit });
  if (min !== undefined && max !== undefined) return t("between", { min, max, unit });
  if (max !== undefined) return t("atMost", { n: max, unit });
  return min !== undefined ? t("atLeast", { n: min, unit }) : "";
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** A wish as a chip says it. */
export function constraintWords(constraint: Constraint): string {
  const value = constraint.value ?? "";
  const count = amount(constraint);
  const tail = count ? ` (${count})` : "";
  switch (short(constraint.kind, "CONSTRAINT_KIND_")) {
    case "MUST_INCLUDE":
      return t("wish.include", { value }) + tail;
    case "MUST_NOT_INCLUDE":
      return t("wish.exclude", { value }) + tail;
    case "LENGTH":
      return count || word("wish", value);
    case "LANGUAGE":
      return t("wish.language", { value: languageName(value) });
    case "TONE":
      return t("wish.tone", { value: word("tone", value) });
    case "KEEP":
      return t("wish.keep", { value });
    case "REPLACE":
      return t("wish.replace", { value: value.replace(" => ", " → ") });
    case "START":
      return t("wish.start", { value });
    case "END":
      return t("wish.end", { value });
    case "FORMAT":
      return t("wish.format", { value: word("format", value) }) + tail;
    case "CASE":
      return t("wish.case", { value }) + tail;
    case "PUNCTUATION":
      return (constraint.max === 0 ? t("wish.noMark", { value }) : t("wish.mark", { value }));
    default:
      return value;
  }
}
