"use strict";

// The sign-in tells the server in which time zone today is.
for (const field of document.querySelectorAll("input[name=zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const percents = (root) => new Map(Array.from(root.querySelectorAll("[data-goal]"), (goal) => [goal.dataset.goal, goal.dataset.percent]));

// A change of a task replaces the plan in place. The focus stays on the task, and what moved is marked and said.
async function change(form, button) {
  const news = document.getElementById("news");
  const body = new URLSearchParams(new FormData(form));
  let next;
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    if (!answer.ok) throw new Error(answer.status);
    next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("plan");
  } catch {
    news.textContent = `“${form.dataset.task}” was not changed. Please try again.`;
    return;
  }
  if (!next) {
    location.assign("/app/"); // the session has ended
    return;
  }
  const plan = document.getElementById("plan");
  const before = percents(plan);
  const moved = [];
  for (const goal of next.querySelectorAll("[data-goal]")) {
    const was = before.get(goal.dataset.goal);
    if (was !== undefined && was !== goal.dataset.percent) {
      goal.classList.add("moved");
      moved.push(`${goal.querySelector(".title").textContent}: ${was} % to ${goal.dataset.percent} %`);
    }
  }
  plan.replaceWith(next);
  document.getElementById(button.id)?.focus();
  const done = form.action.endsWith("/complete") ? "Completed" : "Reopened";
  news.textContent = [`${done} “${form.dataset.task}”`, ...moved].join(". ") + ".";
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("task" in form.dataset)) return;
  event.preventDefault();
  if (form.ariaBusy) return;
  form.ariaBusy = "true";
  await change(form, event.submitter);
  form.ariaBusy = null;
});
