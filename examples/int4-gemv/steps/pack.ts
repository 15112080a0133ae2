// From step 6 on, eight rows are packed together; 6-rows.ts draws how.
export function pack(to: usize, from: usize, rows: i32, cols: i32): void {
  const rowBytes = (cols >> 5) * 18;
  for (let strip = 0; strip < rows; strip += 8) {
    for (let row = 0; row < 8; row++) {
      let block = from + (strip + row) * rowBytes;
      let group = to + (strip >> 3) * (cols >> 5) * 144;
      for (let c = 0; c < cols; c += 32) {
        store<u16>(group + (row << 1), load<u16>(block));
        for (let k = 0; k < 4; k++) store<u32>(group + 16 + (k << 5) + (row << 2), load<u32>(block + 2 + (k << 2)));
        block += 18;
        group += 144;
      }
    }
  }
}
