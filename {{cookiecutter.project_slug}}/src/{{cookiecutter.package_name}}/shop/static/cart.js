// The number next to "Cart". Pages are the same for everybody, so it needs its own request.
const link = document.querySelector("[data-summary]");

async function count() {
  const answer = await fetch(link.dataset.summary);
  if (!answer.ok) return;
  const { count } = await answer.json();
  const badge = link.querySelector(".badge");
  badge.textContent = count;
  badge.hidden = count === 0;
}

addEventListener("pageshow", count); // also when the browser goes back to a page
