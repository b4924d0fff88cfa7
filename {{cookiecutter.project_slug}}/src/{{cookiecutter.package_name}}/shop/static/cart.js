// The number beside "Cart". Pages are the same for everyone, so it is fetched apart.
const link = document.querySelector("[data-summary]");

async function count() {
  const answer = await fetch(link.dataset.summary);
  if (!answer.ok) return;
  const { count } = await answer.json();
  const badge = link.querySelector(".badge");
  badge.textContent = count;
  badge.hidden = count === 0;
}

addEventListener("pageshow", count); // also when the browser brings back an old page
