// In development, a strip above each page: what the cache did, and where the time went.
// It reads the header Server-Timing, because a page from the cache is the same HTML for everybody.
const WORDS = [
  [/^fwd=/, ""],
  [/^bypass$/, "not cached"],
  [/^detail=/, "because: "],
  [/^ttl=(\d+)$/, "$1 s left"],
  [/^ttl=-(\d+)$/, "$1 s too old"],
];

const inWords = (status) => WORDS.reduce((text, [from, to]) => text.replace(from, to), status);

const told = performance.getEntriesByType("navigation")[0].serverTiming;
const parts = [
  ...told.flatMap(({ description }) => description.split("; ")).map(inWords),
  ...told.map(({ name, duration }) => `${duration} ms in the ${name}`),
].filter((part) => part && !part.startsWith("0 ms"));

const strip = document.createElement("div");
strip.ariaHidden = "true"; // it is no part of the page
strip.textContent = parts.join(", ");
// The system's colours are readable in each scheme.
strip.style.cssText = `
  padding: 0 1rem;
  background: CanvasText;
  color: Canvas;
  font: 0.75rem/1.75 ui-monospace, monospace;
  text-align: center;
  forced-color-adjust: none;
`;
if (parts.length) document.body.prepend(strip);
