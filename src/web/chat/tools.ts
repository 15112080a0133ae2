// Two tools that run in this page, to show how a model calls them and is answered.

/** As the template gives them to the model. */
export const tools = [
  {
    name: "calculator",
    description: "Evaluate a math expression",
    parameters: { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] },
  },
  {
    name: "get_time",
    description: "Get the local time in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
] as const;

/** What a tool gives back, as JSON text. Arguments are the model's, so nothing in them is trusted. */
export function runTool(name: string, argumentsJson: string, now: Date = new Date()): string {
  let given: Record<string, unknown>;
  try {
    given = Object(JSON.parse(argumentsJson));
  } catch {
    return JSON.stringify({ error: "the arguments are no JSON" });
  }
  if (name === "calculator") {
    const value = calculate(String(given.expression ?? ""));
    return JSON.stringify(
      Number.isFinite(value) ? { result: Math.round(value * 1e6) / 1e6 } : { error: "not an expression" },
    );
  }
  if (name === "get_time") return JSON.stringify(timeIn(String(given.city ?? ""), now));
  return JSON.stringify({ error: `there is no tool ${name.slice(0, 40)}` });
}

/** + − * / and brackets over decimal numbers; NaN for anything else. Nothing is evaluated as a script. */
export function calculate(expression: string): number {
  const tokens = expression.slice(0, 200).match(/\d+(?:\.\d+)?|[-+*/()]|\S/g) ?? [];
  let at = 0;
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-")
      value = tokens[at++] === "+" ? value + product() : value - product();
    return value;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === "*" || tokens[at] === "/") value = tokens[at++] === "*" ? value * factor() : value / factor();
    return value;
  };
  const factor = (): number => {
    const token = tokens[at++] ?? "";
    if (token === "-") return -factor();
    if (token !== "(") return /^\d/.test(token) ? Number(token) : Number.NaN;
    const value = sum();
    return tokens[at++] === ")" ? value : Number.NaN;
  };
  const value = sum();
  return at === tokens.length ? value : Number.NaN;
}

/** The browser knows zones by the name of a city. */
function timeIn(city: string, now: Date): object {
  const name = city.trim().replace(/ /g, "_").toLowerCase();
  const zone = Intl.supportedValuesOf("timeZone").find((known) => known.toLowerCase().endsWith(`/${name}`));
  if (zone === undefined) return { error: `no time zone is named after ${city.slice(0, 40)}` };
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(now);
  return { city, time };
}
