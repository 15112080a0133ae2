// How long this thread waits between two of its turns.

/** @returns ends the watch, and gives the longest time between two turns, in milliseconds */
export function watchTurns(): () => number {
  let [last, longest] = [performance.now(), 0];
  const turn = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(turn, 1);
  return () => {
    clearInterval(timer);
    turn();
    return longest;
  };
}
