// Scripts as text, kernels in base64, by name. Empty in the sources; `npm run build` writes them into the package.
import type { AssetName } from "./assets.ts";

export const inlined: { readonly [Name in AssetName]?: string } = {};
