// Python's strftime in the C locale, for the codes that dates in prompts use.
//
// strftime 0.10.3 is another: its %j is a day short (004 for January 5), it passes over codes that it does not know, and it
// is CommonJS, which a page without a bundler cannot load.

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const two = (n: number): string => String(n).padStart(2, "0");
const hour12 = (date: Date): number => date.getHours() % 12 || 12;

const CODES: Record<string, (date: Date) => string> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2, " "),
  B: (date) => MONTHS[date.getMonth()],
  b: (date) => MONTHS[date.getMonth()].slice(0, 3),
  A: (date) => DAYS[date.getDay()],
  a: (date) => DAYS[date.getDay()].slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  F: (date) => strftime(date, "%Y-%m-%d"),
  T: (date) => strftime(date, "%H:%M:%S"),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  "-d": (date) => String(date.getDate()),
  "-m": (date) => String(date.getMonth() + 1),
  "-H": (date) => String(date.getHours()),
  "-I": (date) => String(hour12(date)),
  "%": () => "%",
};

/** In universal time, so that no day is an hour short. */
function dayOfYear(date: Date): number {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  return (Date.UTC(year, month, day) - Date.UTC(year, 0, 0)) / 86_400_000;
}

/** `date` in local time, as Python's datetime.now() is. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?[\s\S]?)/g, (_, code: string) => {
    const write = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
    if (write === undefined) {
      throw new Error(
        `strftime_now: expected one of ${Object.keys(CODES)
          .map((c) => `%${c}`)
          .join(" ")}, found %${code}`,
      );
    }
    return write(date);
  });
}
