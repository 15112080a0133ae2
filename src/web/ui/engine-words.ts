// The browser and machine, as far as a page can know them.

interface UserAgentData {
  readonly brands: readonly { readonly brand: string; readonly version: string }[];
  readonly platform: string;
}

/** "Chromium 156 on Linux x86_64, 8 hardware threads, about 16 GB of memory" */
export function engineWords(): string {
  const { userAgent, hardwareConcurrency, deviceMemory } = navigator as Navigator & { readonly deviceMemory?: number };
  const threads = hardwareConcurrency === 1 ? "1 hardware thread" : `${hardwareConcurrency} hardware threads`;
  // A power of two, and no more than the browser cares to tell.
  const memory = deviceMemory === undefined ? "" : `, about ${deviceMemory} GB of memory`;
  return `${browserName(userAgent)} on ${platformName(userAgent)}, ${threads}${memory}`;
}

function browserName(userAgent: string): string {
  const { userAgentData } = navigator as Navigator & { readonly userAgentData?: UserAgentData };
  const brand = userAgentData?.brands.find(({ brand }) => !/not.?a.?brand/i.test(brand));
  if (brand !== undefined) return `${brand.brand} ${brand.version}`;
  const [, name, version] =
    /(Firefox|Edg|OPR)\/([\d.]+)/.exec(userAgent) ??
    /(Chrome)\/(\d+)/.exec(userAgent) ??
    /(Version)\/([\d.]+).*Safari/.exec(userAgent) ??
    [];
  if (name === undefined) return "a browser that is not known";
  return `${name === "Version" ? "WebKit, Safari" : name} ${version}`;
}

function platformName(userAgent: string): string {
  const { platform } = navigator;
  const [, inside] = /\(([^)]*)\)/.exec(userAgent) ?? [];
  const system = /Windows|Android|iPhone|iPad|Macintosh|Linux|CrOS/.exec(inside ?? "")?.[0];
  return [...new Set([system, platform])]
    .filter(Boolean)
    .join(" ")
    .replace(/^(\w+) \1/, "$1");
}
