// Addresses that stores sign for a while: the file that one names stays the same, its signature does not.

/** By the parameter that holds the signature, those that belong to it. */
const SIGNATURES: readonly (readonly [signature: RegExp, parts: RegExp])[] = [
  // S3, and what speaks like it; Google Cloud Storage.
  [/^x-amz-signature$/i, /^x-amz-/i],
  [/^x-goog-signature$/i, /^x-goog-/i],
  // CloudFront, and both of the above before they had those.
  [/^signature$/i, /^(?:signature|expires|policy|key-pair-id|awsaccesskeyid|googleaccessid)$/i],
  // Azure: shared access signatures.
  [/^sig$/, /^(?:sig|s[evtrp]|spr|sip|sdd|ses|sk(?:oid|tid|t|e|s|v))$/],
];

/** The address without its signature, by which a file can be told from others. */
export function stableAddress(url: URL): string {
  const stable = new URL(url);
  for (const parts of signedBy(url)) {
    for (const name of [...stable.searchParams.keys()]) if (parts.test(name)) stable.searchParams.delete(name);
  }
  return stable.href;
}

export const isSigned = (url: URL): boolean => signedBy(url).length > 0;

function signedBy({ searchParams }: URL): RegExp[] {
  const names = [...searchParams.keys()];
  return SIGNATURES.filter(([signature]) => names.some((name) => signature.test(name))).map(([, parts]) => parts);
}
