// biome-ignore-all lint/suspicious/noEmptyInterface: interfaces of one name are merged.
// Names of the web platform in this package's types, for programs that are compiled without the DOM library. Where
// another library declares them, these add nothing to it. A FileList, which @types/node has not, is not just anything.
interface AbortSignal {}
interface Blob {}
interface File {}
interface FileList {
  readonly length: number;
  item(index: number): File | null;
}
interface Response {}
interface URL {}
