// Activations in int8, and in tiles of two to four tokens: made once, however many weights ask for them.
import { joined, type WasmTensor } from "./handles.ts";
import { type Sharing, TOUCH } from "./sharing.ts";
import { activationBytes, BLOCK_LENGTH } from "./sizes.ts";

export class Activations {
  private readonly sharing: Sharing;
  private readonly relaxed: boolean;

  constructor(sharing: Sharing, relaxed: boolean) {
    this.sharing = sharing;
    this.relaxed = relaxed;
  }

  /** Bytes of a row of `cols` in int8. */
  rowBytes(cols: number): number {
    return activationBytes(this.relaxed, cols);
  }

  /** Room for the rows in int8. */
  room(x: WasmTensor): number {
    return x.bank.allocate(x.rows * this.rowBytes(x.cols));
  }

  /** Address of the rows in int8. */
  int8(x: WasmTensor): number {
    if (x.int8 === undefined) {
      x.int8 = this.room(x);
      const count = x.rows * x.cols;
      this.sharing.run(x.bank, "quantize", [x.int8, joined(x)], { work: count * TOUCH, total: count / BLOCK_LENGTH });
    }
    return x.int8;
  }

  /** Address of the rows in tiles; 0 for a single row, which needs none. */
  tiles(x: WasmTensor): number {
    if (x.rows === 1) return 0;
    if (x.tiles === undefined) {
      x.tiles = this.room(x);
      const share = { work: x.rows * x.cols * TOUCH, total: x.rows };
      this.sharing.run(x.bank, "packTiles", [x.tiles, this.int8(x), x.rows, x.cols], share);
    }
    return x.tiles;
  }
}
