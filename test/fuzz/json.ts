// Wrong JSON: values of other types, keys that are missing or doubled, structure that is deep, wide or long.
import { type Dice, spoil } from "./dice.ts";

const odd: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  "",
  "__proto__",
  "lfm2",
  [],
  {},
  [[]],
  [0, -1],
];

/** Text that is most often JSON still. */
export function changedJson(value: unknown, dice: Dice): string {
  const kind = dice.below(12);
  if (kind === 0) return oddText(dice);
  if (kind === 1) {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    spoil(bytes, bytes.length, dice);
    return new TextDecoder().decode(bytes);
  }
  const text = JSON.stringify(value);
  if (kind === 2) return text.slice(0, dice.below(text.length));
  if (kind === 3) return text.replace(/,/, dice.pick([",,", ",1e999,", ',"a":"\\ud800",', `,${oddText(dice)},`]));
  const copy = structuredClone(value);
  for (let left = 1 + dice.below(3); left > 0; left--) change(copy, dice);
  return JSON.stringify(copy);
}

/** Descends at random, and replaces, removes, adds or renames what it finds. */
function change(parent: unknown, dice: Dice): void {
  if (typeof parent !== "object" || parent === null) return;
  const record = parent as Record<string, unknown>;
  const keys = Object.keys(record);
  const key = keys.length === 0 ? "x" : dice.pick(keys);
  const child = record[key];
  if (typeof child === "object" && child !== null && dice.chance(0.7)) {
    change(child, dice);
    return;
  }
  const kind = dice.below(6);
  if (kind === 0) delete record[key];
  else if (kind === 1) record[`${key}${dice.below(10)}`] = child;
  else if (kind === 2 && typeof child === "number") record[key] = child + dice.pick([1, -1, 0.5, 2 ** 32]);
  else if (kind === 3) record[key] = [child, child];
  else record[key] = structuredClone(dice.pick(odd));
}

function oddText(dice: Dice): string {
  const many = dice.chance(0.1) ? 2_000_000 : 1 + dice.below(2000);
  return dice.pick([
    () => "[".repeat(many),
    () => `${'{"a":'.repeat(many)}1${"}".repeat(many)}`,
    () => `[${"1,".repeat(many)}1]`,
    () => `[${"[],".repeat(many)}{}]`,
    () => `{"a":[${"{},".repeat(many)}0]}`,
    () => `{"a":"${"x".repeat(many)}"}`,
    () => `{${Array.from({ length: Math.min(many, 200_000) }, (_, i) => `"k${i}":${i}`).join()}}`,
    () => `{"a":${"9".repeat(many)}}`,
    () => `"${"\\u0000".repeat(many)}"`,
    () => " ".repeat(many),
  ])();
}
