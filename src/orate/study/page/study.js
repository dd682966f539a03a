// The page of the study: consent, the clips one by one, the score. The server knows where somebody is; this shows it.

const byId = (id) => document.getElementById(id);
const video = byId("video");
const TONE_HZ = 440;
const TONE_S = 0.6;

let state = null; // as /api/state tells it
let clip = { plays: 0, startedAt: null, watched: false };
let busy = false;
let retry = null;

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const reply = await fetch(`api/${path}`, { cache: "no-store", ...options });
  const data = await reply.json().catch(() => ({ error: "The server does not answer." })); // but a proxy before it does
  // 409: answered already, in another window perhaps. 401: the answers are gone. Both say where things stand now.
  if (reply.status === 409) return data;
  if (reply.status === 401) return ask("state");
  if (!reply.ok) throw new Error(data.error);
  return data;
}

// Runs a request; when it fails says so, and offers the same request again.
async function attempt(request, failed) {
  if (busy) return;
  busy = true;
  hideTrouble();
  try {
    show(await request());
  } catch (error) {
    const reason = error instanceof TypeError ? "The server does not answer." : error.message;
    trouble(`${reason} ${failed}`, () => attempt(request, failed));
  } finally {
    busy = false;
  }
}

function trouble(text, again) {
  byId("trouble-text").textContent = text;
  byId("trouble").hidden = false;
  retry = again;
}

function hideTrouble() {
  byId("trouble").hidden = true;
  retry = null;
}

function show(now) {
  state = now;
  const { person } = state;
  for (const heading of document.querySelectorAll(".title")) heading.textContent = state.title;
  document.title = state.title;
  byId("consent").hidden = person !== null;
  byId("watch").hidden = person === null || person.score !== null;
  byId("done").hidden = person === null || person.score === null;
  byId("leave").hidden = person === null;
  window.scrollTo(0, 0);
  if (person === null) showConsent();
  else if (person.score === null) showClip();
  else showScore();
}

function showConsent() {
  stopVideo();
  const paragraphs = state.consent.map((text) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    return paragraph;
  });
  byId("consent-text").replaceChildren(...paragraphs);
  byId("contact").textContent = state.contact;
  byId("contact").hidden = !state.contact;
}

function addressOf(position) {
  return `clips/${position}.mp4?person=${state.person.number}`; // another person's clip must not come from the cache
}

function showClip() {
  const position = state.person.answered;
  byId("deleted").hidden = true;
  byId("place").textContent = `Clip ${position + 1} of ${state.clips}`;
  byId("progress").max = state.clips;
  byId("progress").value = position;
  clip = { plays: 0, startedAt: null, watched: false };
  allowAnswers(false);
  byId("question").textContent = "Watch the clip to its end.";
  video.src = addressOf(position);
  play();
}

async function play() {
  const playing = clip; // an answer may bring the next one before this one has begun
  byId("start").hidden = true;
  video.currentTime = 0;
  playing.plays += 1;
  try {
    await video.play();
    playing.startedAt ??= performance.now();
    if (playing === clip) loadNext();
  } catch (error) {
    if (error.name !== "NotAllowedError") return; // one that did not load has an event of its own
    // After a reload browsers play sound only once somebody has touched the page.
    playing.plays -= 1;
    byId("start").hidden = false;
  }
}

function loadNext() {
  const next = state.person.answered + 1;
  if (next >= state.clips) return;
  const ahead = document.createElement("video");
  ahead.preload = "auto";
  ahead.muted = true;
  ahead.src = addressOf(next);
}

function stopVideo() {
  video.removeAttribute("src");
  video.load();
}

// Not "disabled": a disabled button loses the focus, and whoever uses the keyboard their place.
function allowAnswers(allowed) {
  for (const id of ["real", "fake", "replay"]) byId(id).setAttribute("aria-disabled", String(!allowed));
}

function answer(saidReal) {
  if (byId("watch").hidden || !clip.watched || busy) return;
  const given = {
    position: state.person.answered,
    said_real: saidReal,
    seconds: Math.round(performance.now() - clip.startedAt) / 1000,
    plays: clip.plays,
  };
  allowAnswers(false);
  attempt(() => ask("answer", given), "Your answer is not saved yet.");
}

function replay() {
  if (byId("watch").hidden || !clip.watched || busy) return;
  play();
}

function showScore() {
  const { score, number } = state.person;
  stopVideo();
  byId("score").textContent = `You were right about ${score.right} of ${state.clips} clips.`;
  byId("score-parts").textContent =
    `You recognised ${score.real_right} of ${score.real} real clips and ${score.generated_right} of ${score.generated} fake ones.`;
  byId("score-chance").textContent = `Guessing gives about ${state.clips / 2} of ${state.clips}.`;
  byId("thanks").textContent = `Thank you. Your answers are kept under the number ${number}.`;
  byId("next-person").hidden = !state.shared_device;
  byId("score").focus();
}

function begin() {
  attempt(() => ask("begin", { consent: true }), "You have not begun yet.");
}

async function withdraw() {
  if (!window.confirm("Stop, and delete all your answers?")) return;
  await attempt(() => ask("withdraw", {}), "Your answers are not deleted yet.");
  byId("deleted").hidden = state.person !== null;
}

function nextPerson() {
  show({ ...state, person: null }); // consent is each person's own
}

async function testTone() {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: TONE_HZ });
  const level = new GainNode(context, { gain: 0.2 });
  level.gain.setTargetAtTime(0, TONE_S - 0.1, 0.03);
  tone.connect(level).connect(context.destination);
  tone.onended = () => context.close();
  tone.start();
  tone.stop(context.currentTime + TONE_S);
}

video.addEventListener("ended", () => {
  clip.watched = true;
  allowAnswers(true);
  byId("question").textContent = "Was it real or fake?";
});
video.addEventListener("error", () => {
  if (!video.hasAttribute("src")) return;
  trouble("The clip did not load.", () => {
    hideTrouble();
    attempt(() => ask("state"), "");
  });
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const action = { r: () => answer(true), f: () => answer(false), p: replay }[event.key.toLowerCase()];
  if (action) action();
});

byId("begin").addEventListener("click", begin);
byId("tone").addEventListener("click", testTone);
byId("start").addEventListener("click", play);
byId("real").addEventListener("click", () => answer(true));
byId("fake").addEventListener("click", () => answer(false));
byId("replay").addEventListener("click", replay);
byId("withdraw").addEventListener("click", withdraw);
byId("next-person").addEventListener("click", nextPerson);
byId("again").addEventListener("click", () => retry && retry());

attempt(() => ask("state"), "");
