// Ops that work number by number. Where they use vectors, cols % 4 == 0 is given (n in add). Strides are in numbers.
import { sigmoid4 } from "../float";

export function add(y: usize, a: usize, b: usize, n: i32): void {
  for (let i = 0; i < n << 2; i += 16) v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
}

export function mul(y: usize, a: usize, b: usize, rows: i32, cols: i32, strideA: i32, strideB: i32): void {
  for (let t = 0; t < rows; t++) {
    for (let i = 0; i < cols << 2; i += 16) v128.store(y + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
    y += cols << 2;
    a += strideA << 2;
    b += strideB << 2;
  }
}

export function scale(y: usize, x: usize, factor: f32, n: i32): void {
  for (let i = 0; i < n << 2; i += 4) store<f32>(y + i, load<f32>(x + i) * factor);
}

export function addBias(y: usize, x: usize, bias: usize, rows: i32, cols: i32): void {
  for (let t = 0; t < rows; t++) {
    for (let i = 0; i < cols << 2; i += 4) store<f32>(y + i, load<f32>(x + i) + load<f32>(bias + i));
    y += cols << 2;
    x += cols << 2;
  }
}

/** n % 4 == 0. */
export function sigmoid(y: usize, x: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(y + i, sigmoid4(v128.load(x + i)));
}
