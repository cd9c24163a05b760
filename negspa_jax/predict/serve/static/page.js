// The page's steps: send files, mark the region, tell the features, see the result.
import { CropViewer, RegionViewer } from "./viewer.js";

const { base, token, kind, sequences, maxBytes } = document.body.dataset;
const names = sequences.split("|");
const TITLES = { first: "First slice", last: "Last slice" };
const refused = new Map(); // by card, what was said of the last file
const WORDS = { L: "left", R: "right", P: "posterior", A: "anterior", I: "inferior", S: "superior" };
const STEPS = ["files", "region", "features", "result"];
const $ = (id) => document.getElementById(id);
let state = { files: {}, region: {}, crops: {}, job: null };
let step = "";
let watching = false;

const stage = kind === "mri" ? new RegionViewer($("canvas"), base) : new CropViewer($("canvas"), base);

function sentence(text) {
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

function complain(problems) {
  $("alert").textContent = problems.map(sentence).join(" ");
  $("alert").hidden = problems.length === 0;
  if (problems.length) $("alert").scrollIntoView({ block: "nearest" });
}

async function ask(path, wish) {
  const options = wish === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Token": token },
    body: JSON.stringify(wish),
  };
  options.headers = { ...options.headers, Accept: "application/json" };
  try {
    const answer = await fetch(`${base}/${path}`, options);
    const told = await answer.json();
    return answer.ok ? told : { problems: told.problems };
  } catch {
    return { problems: ["the server does not answer: is it still running?"] };
  }
}

// --- steps --------------------------------------------------------------------------

function findObstacle(wanted) {
  const missing = names.filter((name) => !state.files[name]);
  if (wanted !== "files" && missing.length) return `choose a file for ${missing.join(", ")} first`;
  const marked = kind !== "mri" || state.region.rvoi_corners || state.files.rvoi;
  if (["features", "result"].includes(wanted) && !marked) return "mark the region of interest first";
  if (wanted === "result" && state.job?.state !== "done") return "score the patient first";
  return "";
}

function go(wanted, { quiet = false } = {}) {
  const obstacle = findObstacle(wanted);
  if (obstacle) return complain([obstacle]);
  complain([]);
  step = wanted;
  for (const name of STEPS) $(name).hidden = name !== step;
  for (const button of document.querySelectorAll("[data-step]")) {
    if (button.dataset.step === step) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
  if (step === "region") look();
  if (!quiet) {
    $(`${step}-title`).focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

// --- files --------------------------------------------------------------------------

function send(card, file) {
  const { role } = card.dataset;
  const bar = card.querySelector("progress");
  const request = new XMLHttpRequest();
  card.dataset.sending = "yes";
  const end = (problems) => {
    delete card.dataset.sending;
    bar.hidden = true;
    showCard(card, problems);
  };
  if (file.size > Number(maxBytes)) {
    const [limit, size] = [maxBytes, file.size].map((bytes) => `${(bytes / 2 ** 20).toPrecision(3)} MiB`);
    return end([`${file.name} must have at most ${limit}, got ${size}: is it one volume?`]);
  }
  bar.hidden = false;
  bar.value = 0;
  card.querySelector(".said").replaceChildren(line(`Sending ${file.name}`));
  request.upload.onprogress = (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  };
  request.upload.onload = () => {
    bar.removeAttribute("value");
    card.querySelector(".said").replaceChildren(line(`Checking ${file.name}`));
  };
  request.onload = () => {
    let told = {};
    try { told = JSON.parse(request.response); } catch { told = { problems: [`the server refused the file (${request.status})`] }; }
    if (request.status === 200) accept(told);
    end(told.problems ?? []);
  };
  request.onerror = () => end(["the connection broke while sending: is the file too large, or the server gone?"]);
  request.open("POST", `${base}/file/${encodeURIComponent(role)}`);
  request.setRequestHeader("X-Token", token);
  request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
}

function line(text, style = "") {
  const found = document.createElement("p");
  found.className = style;
  found.textContent = text;
  return found;
}

// Without `problems` the card shows those that it showed.
function showCard(card, problems) {
  if (card.dataset.sending) return;
  const file = state.files[card.dataset.role];
  if (problems) refused.set(card, problems);
  else problems = refused.get(card) ?? [];
  const lines = problems.map((text) => line(sentence(text), "problem"));
  if (file) {
    if (problems.length) lines.push(line(`${file.shown} is still used.`));
    else lines.push(line(file.shown, "file"), line(file.said));
    lines.push(...file.warnings.map((text) => line(sentence(text), "remark")));
  } else if (!problems.length) lines.push(line("No file yet"));
  card.querySelector(".said").replaceChildren(...lines);
  card.classList.toggle("good", Boolean(file) && !problems.length);
  card.classList.toggle("bad", problems.length > 0);
  card.querySelector("[data-remove]").hidden = !file;
}

function accept(told) {
  if (told.files) state = told;
  for (const card of document.querySelectorAll(".upload")) showCard(card);
}

// --- region -------------------------------------------------------------------------

const isMask = () => document.querySelector("[name=way]:checked")?.value === "mask";

function look() {
  const name = $("sequence").value;
  if (!state.files[name]) return;
  stage.show(name, state.files[name], recall(name));
  $("canvas").setAttribute("aria-label", `${kind === "mri" ? "Slices of" : "Radiograph"} ${name}`);
}

// What the server knows of a region or box, where the page was loaded again.
function recall(name) {
  const { region } = state;
  if (kind !== "mri") {
    const cell = state.crops[`crop:${name}`];
    const { pixels } = state.files[name].view;
    return cell ? { box: cell.split(",").map((edge, index) => Number(edge) / pixels[index % 2]) } : {};
  }
  if (region.rvoi_sequence !== name) return {};
  const corners = region.rvoi_corners.split(";").map((point) => point.split(",").map(Number));
  return { corners, first: Number(region.rvoi_first), last: Number(region.rvoi_last) };
}

function tick(id, done, words) {
  $(id).textContent = words;
  $(id).classList.toggle("done", done);
}

stage.onChange = () => {
  const { draft, view } = stage;
  if (document.activeElement !== $("typed")) $("typed").value = stage.asText();
  if (kind !== "mri") {
    $("todo-box").textContent = draft.box ? `Box: ${stage.asText()} % (top, left, bottom, right)` : "Whole picture";
    return;
  }
  $("slice").max = view.count - 1;
  $("slice").value = draft.slice;
  $("slice").setAttribute("aria-valuetext", `${draft.slice}, of 0 to ${view.count - 1}`);
  const inside = draft.first !== null && draft.last !== null && draft.first <= draft.slice && draft.slice <= draft.last;
  $("slice-label").textContent = `Slice ${draft.slice} (0 to ${view.count - 1})${inside ? ", in the region" : ""}`;
  $("ends").textContent = `from ${WORDS[view.marks.first]} to ${WORDS[view.marks.last]}`;
  tick("todo-corners", draft.corners.length === 4, `${draft.corners.length} of 4 corners`);
  for (const end of ["first", "last"]) {
    const at = draft[end];
    tick(`todo-${end}`, at !== null, at === null ? `${TITLES[end]}: not yet` : `${TITLES[end]}: ${at + 1}`);
  }
};

// What the drawing still lacks.
function findGap() {
  if (kind !== "mri") return "";
  if (isMask()) return state.files.rvoi ? "" : "choose the file of a mask, or draw the region";
  const { corners, first, last } = stage.draft;
  if (corners.length < 4) return `click ${4 - corners.length} more corners`;
  if (first === null || last === null) return "scroll to the first and the last slice with joint, and press their buttons";
  return "";
}

// What is on the screen, but not on the server, as wishes.
function listChanges() {
  if (kind !== "mri") return names.map(changeBox).filter(Boolean);
  if (isMask()) return [];
  const sequence = $("sequence").value;
  const { corners, first, last } = stage.draft;
  const known = recall(sequence);
  const rounded = corners.map((corner) => corner.map((value) => Number(value.toFixed(2))));
  const same = JSON.stringify([known.corners, known.first, known.last]) === JSON.stringify([rounded, first, last]);
  return same && !state.files.rvoi ? [] : [["region", { sequence, corners, first, last }]];
}

function changeBox(view) {
  const file = state.files[view];
  const draft = stage.drafts.get(view);
  if (draft?.of !== file.name) return null; // not looked at: the server's box holds
  const { box } = draft;
  const cell = box ? box.map((share, index) => Math.round(share * file.view.pixels[index % 2])).join(",") : "";
  return cell === (state.crops[`crop:${view}`] ?? "") ? null : ["crop", { view, box }];
}

// Whether the server knows what is on the screen, and could take it.
async function sendRegion() {
  look();
  const gap = findGap();
  if (gap) {
    complain([step === "region" ? gap : "mark the region of interest first"]);
    return false;
  }
  for (const [path, wish] of listChanges()) {
    const told = await ask(path, wish);
    if (told.problems) {
      complain(told.problems);
      return false;
    }
    accept(told);
  }
  return true;
}

// By whatever way a step is left: what was drawn is sent first. Only an unfinished
// drawing may wait, and nothing beyond its step is shown until it is finished.
async function leave(wanted) {
  if (names.every((name) => state.files[name])) {
    const beyond = ["features", "result"].includes(wanted);
    const drawn = step === "region" && wanted !== "region" && !findGap();
    if ((beyond || drawn) && !(await sendRegion())) return;
  }
  go(wanted);
}

function chooseWay() {
  $("drawing").hidden = isMask();
  $("masking").hidden = !isMask();
  if (!isMask()) look();
}

// --- score --------------------------------------------------------------------------

async function score() {
  complain([]);
  if (document.querySelector("[data-sending]")) return complain(["a file is still being sent: wait until it has been checked"]);
  if (!(await sendRegion())) return;
  const features = {};
  for (const field of document.querySelectorAll("[data-feature]")) {
    features[field.dataset.feature] = field.querySelector("input:checked").value;
  }
  const told = await ask("score", { features, keep: Boolean($("keep")?.checked) });
  if (told.problems) return complain(told.problems);
  accept(told);
  watch();
}

async function watch() {
  if (watching) return;
  watching = true;
  $("score").disabled = true;
  $("working").hidden = false;
  while (["waiting", "running"].includes(state.job?.state)) {
    const seconds = Math.round(state.job.seconds);
    $("worked").textContent = state.job.state === "waiting"
      ? `Another patient is being scored; waiting, ${seconds} s`
      : `Scoring, ${seconds} s; the first patient takes longer`;
    await new Promise((resolve) => setTimeout(resolve, 400));
    const told = await ask("state");
    if (told.problems) { state.job = { state: "failed", problems: told.problems }; break; }
    accept(told);
  }
  watching = false;
  $("working").hidden = true;
  $("score").disabled = false;
  if (state.job?.state === "failed") complain(state.job.problems);
  if (state.job?.state === "done") await showResult();
}

async function showResult() {
  const answer = await fetch(`${base}/result`);
  if (!answer.ok) return complain(["the result is gone: score the patient again"]);
  $("outcome").innerHTML = await answer.text();  // escaped by the server's templates
  go("result");
}

// --- what a person does -------------------------------------------------------------

for (const card of document.querySelectorAll(".upload")) {
  card.querySelector("input").addEventListener("change", (event) => {
    if (event.target.files.length) send(card, event.target.files[0]);
  });
  // So that the same file, mended, can be chosen again.
  card.querySelector("input").addEventListener("click", (event) => { event.target.value = ""; });
  card.querySelector("[data-remove]").addEventListener("click", async () => {
    const told = await ask(`remove/${encodeURIComponent(card.dataset.role)}`, {});
    showCard(card, told.problems ?? []);
    accept(told);
    card.querySelector("input").focus();
  });
}
for (const button of document.querySelectorAll("[data-step]")) button.addEventListener("click", () => leave(button.dataset.step));
for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => leave(button.dataset.go));
for (const radio of document.querySelectorAll("[name=way]")) radio.addEventListener("change", chooseWay);
$("sequence").addEventListener("change", look);
$("typed").addEventListener("input", () => stage.fromText($("typed").value));
$("clear").addEventListener("click", () => stage.clear());
if (kind === "mri") {
  $("slice").addEventListener("input", () => stage.scrollTo(Number($("slice").value)));
  $("undo").addEventListener("click", () => stage.undo());
  for (const end of ["first", "last"]) $(end).addEventListener("click", () => stage.setEnd(end));
}
$("use-region").addEventListener("click", () => leave("features"));
$("score").addEventListener("click", score);
$("forget").addEventListener("click", async () => {
  await ask("forget", {});
  window.location.replace("/");
});

const told = await ask("state");
if (told.problems) complain(told.problems);
accept(told);
// A region that is known chooses the sequence; a mask that is there, the other way.
if (state.region.rvoi_sequence) $("sequence").value = state.region.rvoi_sequence;
if (state.files.rvoi) document.querySelector("[name=way][value=mask]").checked = true;
if (kind === "mri") chooseWay();
go("files", { quiet: true });
if (state.job?.state === "done") await showResult();
else if (["waiting", "running"].includes(state.job?.state)) { go("features"); watch(); }
document.body.dataset.ready = "yes";
