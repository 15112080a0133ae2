// What a search for a cause has computed, and where it has to end: counted, so that it ends at the same place everywhere.

/** Products of two numbers, and weights that are decoded for them. */
export interface Work {
  spent: number;
  /** Past this nothing new is begun. */
  limit: number;
  /** What was not tried, as a noun phrase each. */
  readonly leftOut: string[];
}

/** About a minute on one core. */
export const MOST_PRODUCTS = 3e10;

export const createWork = (limit: number): Work => ({ spent: 0, limit, leftOut: [] });

export const isSpent = ({ spent, limit }: Work): boolean => spent > limit;
