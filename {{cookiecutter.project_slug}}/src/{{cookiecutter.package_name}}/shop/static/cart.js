// The number next to "Cart". Pages are the same for everybody, so it needs its own request.
const link = document.querySelector("[data-summary]");

async function count() {
  const answer = await fetch(link.dataset.summary).catch(() => null);
  if (!answer?.ok) return;
  const { count } = await answer.json();
  const badge = link.querySelector(".badge");
  badge.textContent = count;
  badge.hidden = count === 0;
}

addEventListener("pageshow", count); // also when the browser goes back to a page

// "← Catalogue" leads to the page and the search that the visitor came from.
const trail = document.querySelector(".trail a");
if (trail && document.referrer.split("?")[0] === trail.href) trail.href = document.referrer;

// Without a network the browser would leave the page for one of its own. So ask first.
const failed = document.createElement("p");
failed.className = "failed";
failed.role = "alert";

addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  failed.remove();
  try {
    await fetch(form.action, { method: "OPTIONS" }); // it changes nothing
    form.submit();
  } catch {
    failed.textContent = "The service is out of reach, so nothing was changed. Please check your connection, and try again.";
    form.after(failed);
  }
});
