// The list of pages is longer than a screen: it starts where the page itself is in sight.
addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector(".sidebar-scroll");
  const here = list?.querySelector(".current-page > a");
  if (!here) return;
  const top = here.getBoundingClientRect().top - list.getBoundingClientRect().top;
  list.scrollTo({ top: top - list.clientHeight / 2, behavior: "instant" });
});
