// Teach: classes to fill from the camera or from files, bars of the answer, two tests. Python learns and answers;
// the page sends one message at a time, and the next picture of the camera only after the answer to the last.

const STATE = ["classes", "counts", "accuracy", "live", "learning", "done", "problem"];
const KEPT = "Pictures stay in the memory of the notebook's kernel: nothing is written to a file or sent anywhere else unless you ask.";
const ALONE = "This picture needs the notebook: a page without a running kernel shows what was taught and cannot learn.";
const OTHERWISE = "Choose files instead, or in a cell Teach.from_folder(path).";
const REFUSED = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it beside the address of this page and start the camera again.",
  NotFoundError: "No camera was found. Plug one in and start the camera again.",
  NotReadableError: "The camera is in use by another program. Close that and start the camera again.",
  insecure: "Browsers lend a camera only to pages from localhost or over https, and this page is neither.",
};

// One class: its name, the bar of the answer, how to fill it, its last pictures. `act` has what its buttons do.
function classRow(at, [, , , longest, , thumb, thumbs], act) {
  const name = element("input", { type: "text", maxlength: longest, style: "width:100%;min-width:0;font-weight:600" });
  const answer = bar(name, "reference", { class: "cv-bar cv-control",
    style: "display:grid;grid-template-columns:minmax(7em,13.5em) minmax(3em,1fr) 3.2em" });
  const press = (text, does = () => {}, style = "") => button(text, does, "", { style: `white-space:nowrap;${style}` });
  const hold = press("Hold to collect", undefined, "touch-action:none;user-select:none");
  const choice = chooser((chosen) => act.files(chosen, at), { multiple: true });
  const files = press("Files …", () => choice.click());
  const back = press("↶", () => act.tell({ do: "take back", at }));
  const drop = press("✕", () => act.tell({ do: "drop", at }));
  const small = element("canvas", { width: thumbs * thumb, height: thumb, role: "img", style: `width:${thumbs * 26}px;max-width:100%;min-width:0;height:26px;object-fit:cover;object-position:left` });
  const count = element("span", { class: "cv-hint", style: "margin:0 auto 0 0;white-space:nowrap" });
  let typing = false;
  name.addEventListener("input", () => { typing = true; });
  name.addEventListener("change", () => { typing = false; act.tell({ do: "rename", at, name: name.value }); });
  holding(hold, () => act.collect(at), act.release);
  return {
    name, hold,
    node: element("div", { role: "group", style: "height:60px;border-top:1px solid var(--cv-line);padding-top:2px" },
      answer.node,
      element("div", { style: "display:flex;gap:6px;align-items:center;margin-top:1px" }, hold, files, choice, small, count, back, drop)),
    show(title, [pictures, bursts], score, best, { ready, camera, holds, most, spare }) {
      if (!typing) name.value = title;
      answer.show(score ?? 0, score == null ? "" : `${Math.round(100 * score)} %`, score ?? "", best ? "output" : "reference");
      count.textContent = !pictures ? "no pictures" : pictures === most ? `${pictures}: full` : `${pictures} in ${bursts} burst${bursts === 1 ? "" : "s"}`;
      hold.disabled = !ready || !camera;
      hold.setAttribute("aria-pressed", holds);
      back.disabled = !ready || !pictures;
      drop.disabled = !ready || !spare;
      name.disabled = files.disabled = !ready;
      const words = { name: [name, `Name of class ${at + 1}`], hold: [hold, `Hold to collect pictures of ${title}`], files: [files, `Add files to ${title}`],
        choice: [choice, `Files for ${title}`], back: [back, `Take back the last burst of ${title}`], drop: [drop, `Remove ${title}`],
        small: [small, `The last pictures of ${title}`] };
      for (const [node, label] of Object.values(words)) node.setAttribute("aria-label", label);
      for (const node of [back, drop]) node.title = node.getAttribute("aria-label");
      hold.title = camera ? "" : "Start the camera first";
      this.node.setAttribute("aria-label", title);
    },
    draw(sheet, pictures) {
      const context = small.getContext("2d");
      context.clearRect(0, 0, small.width, small.height);
      const wide = thumb * Math.min(pictures, thumbs);
      if (sheet && wide) context.drawImage(sheet, 0, thumb * at, wide, thumb, 0, 0, wide, thumb);
    },
  };
}

// start() while the pointer, space or enter holds the button, stop() when it is let go, however that happens.
function holding(button, start, stop) {
  const isKey = (event) => event.key === " " || event.key === "Enter";
  let down = false; // another button that loses the focus must not end this one
  const begin = () => { if (!down) { down = true; start(); } };
  const end = () => { if (down) { down = false; stop(); } };
  button.addEventListener("pointerdown", (event) => { if (event.button === 0) { button.setPointerCapture(event.pointerId); begin(); } });
  button.addEventListener("keydown", (event) => { if (isKey(event)) { event.preventDefault(); begin(); } });
  button.addEventListener("keyup", (event) => { if (isKey(event)) { event.preventDefault(); end(); } });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(name, end);
}

function render({ model, el }) {
  const most = model.get("most");
  const { control: { look }, page, redraw } = begin(model, STATE);
  const [fewest, largest, full, , side] = most;
  let closed = false;
  let stream = null; // the camera, while it runs
  let asking = false; // the browser asks for it
  let trouble = ""; // with the camera, in words
  let held = null; // {to, fresh, last}: the class that is being filled
  let times = []; // of the last answers to the camera
  let sheet = null; // the last pictures of all classes

  // Talking to Python: one message at a time.
  const queue = [];
  let waiting = 0; // number of the message that has no answer yet
  let turn = Math.floor(1e9 * Math.random());
  let ready = false; // Python has answered once
  function tell(content, data) {
    queue.push([content, data]);
    pump();
  }
  function pump() {
    if (closed || waiting || !queue.length) return;
    const [content, data] = queue.shift();
    waiting = turn += 1;
    model.send({ ...content, id: waiting }, undefined, data ? [data] : []);
  }
  function answered() {
    if (!waiting || model.get("done") !== waiting) return;
    [waiting, ready] = [0, true];
    if (queue.length) pump();
    else if (stream) {
      times = [...times.slice(-20), performance.now()];
      requestAnimationFrame(shoot);
    } else if (model.get("learning")) tell({ do: "learn" });
  }

  // The camera.
  const video = element("video", { muted: true, playsinline: true });
  video.muted = true;
  const show = (words) => { trouble = words; redraw(); };
  async function start() {
    if (!window.isSecureContext || !navigator.mediaDevices) return show(`${REFUSED.insecure} ${OTHERWISE}`);
    asking = true;
    redraw();
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } }, audio: false });
      if (closed) return found.getTracks().forEach((track) => track.stop());
      stream = found;
      stream.getTracks()[0].addEventListener("ended", () => { stop(); show(`The camera has stopped. ${OTHERWISE}`); });
      video.srcObject = stream;
      await video.play();
      [trouble, times] = ["", []];
      shoot();
    } catch (error) {
      stop();
      trouble = `${REFUSED[error.name] ?? `The camera did not start (${error.message}).`} ${OTHERWISE}`;
    }
    asking = false;
    redraw();
  }
  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    [stream, held, video.srcObject] = [null, null, null];
  }

  // A picture of the camera: the middle square, drawn on the page and sent as JPEG.
  function shoot() {
    if (closed || !stream || waiting) return;
    if (!video.videoWidth) return requestAnimationFrame(shoot);
    const { videoWidth: width, videoHeight: height } = video;
    const square = Math.min(width, height);
    paint(video, (width - square) / 2, (height - square) / 2, square, square);
    const { to = -1, fresh = false, last = false } = held ?? {};
    if (held) held = last ? null : { ...held, fresh: false };
    canvas.toBlob(async (blob) => {
      const data = await blob.arrayBuffer();
      if (stream && !waiting) tell({ do: "frame", to, new: fresh }, data);
    }, "image/jpeg", 0.9);
  }
  const collect = (to) => { held = { to, fresh: true, last: false }; redraw(); };
  const release = () => {
    if (!held) return;
    held = held.fresh ? { ...held, last: true } : null; // a short press collects one picture, too
    redraw();
  };

  // Files: made small here, upright, so that large photographs travel fast; what the browser cannot read, Python judges.
  async function files(chosen, to) {
    for (const file of chosen) {
      let data;
      try {
        const image = await createImageBitmap(file);
        const square = Math.min(image.width, image.height);
        const shrunk = element("canvas", { width: side, height: side });
        const context = shrunk.getContext("2d");
        context.imageSmoothingQuality = "high";
        context.drawImage(image, (image.width - square) / 2, (image.height - square) / 2, square, square, 0, 0, side, side);
        data = await new Promise((done) => { shrunk.toBlob(done, "image/jpeg", 0.95); });
      } catch {
        data = file.slice(0, 6000001);
      }
      if (to < 0) stop();
      tell({ do: "file", to, name: file.name }, await data.arrayBuffer());
    }
    redraw();
  }

  // The picture in question, and over it a shade that is thin where the network looks.
  const canvas = element("canvas", { width: side, height: side, role: "img", class: "cv-canvas", style: "width:100%;aspect-ratio:1;image-rendering:auto" });
  const shade = element("canvas", { style: "position:absolute;inset:0;width:100%;height:100%;pointer-events:none", "aria-hidden": "true" });
  const board = element("div", { style: "position:relative;width:100%;aspect-ratio:1;background:var(--cv-raised);border-radius:3px;overflow:hidden" }, canvas, shade);
  const paint = (image, ...from) => canvas.getContext("2d").drawImage(image, ...(from.length ? from : [0, 0, image.width, image.height]), 0, 0, side, side);
  const caption = element("div", { class: "cv-caption cv-cut" });
  const press = (text, act, style = "") => button(text, act, "", { style });
  const camera = press("Start the camera", () => { if (stream) { stop(); redraw(); tell({ do: "learn" }); } else start(); }, "flex:1 0 100%;font-weight:600");
  const asked = chooser((chosen) => files(chosen, -1), { "aria-label": "File to ask about" });
  const askFile = press("Ask a file …", () => asked.click(), "flex:1;white-space:nowrap");
  const askScene = press("Ask a scene", () => { stop(); redraw(); tell({ do: "another" }); }, "flex:1;white-space:nowrap");

  // The classes and the two tests.
  const rows = Array.from({ length: largest }, (_, at) => classRow(at, most, {
    tell, files, collect, release }));
  const more = press("+ Class", () => tell({ do: "new class" }));
  const empty = press("Start with empty classes", () => tell({ do: "empty" }));
  const tests = { burst: meter("by burst", "input"), random: meter("at random", "reference") };
  const note = element("p", { style: "min-height:2.7em;margin:4px 0 0;line-height:1.35;font-size:max(var(--cv-least),0.9em)" });
  const stage = [element("div", { style: "display:flex;flex-wrap:wrap;gap:6px 22px" },
      element("div", { style: "flex:0 1 17.2em;min-width:0" }, caption, board,
        element("div", { style: "display:flex;flex-wrap:wrap;gap:6px;margin-top:6px" }, camera, askFile, askScene, asked),
        look.node),
      element("div", { style: "flex:1 1 28em;min-width:0" },
        element("div", { style: "min-height:360px" }, ...rows.map(({ node }) => node)),
        element("div", { style: "display:grid;grid-template-columns:auto minmax(0,1fr);gap:0 18px;border-top:1px solid var(--cv-line);padding-top:5px" },
          element("div", { style: "display:flex;flex-direction:column;gap:5px" }, more, empty),
          element("div", { role: "group", "aria-label": "Right on held-out pictures" },
            element("div", { style: "line-height:1.2" }, "Right on held-out pictures, split"), tests.burst.node, tests.random.node)))),
    note];

  function drawShade(places) {
    const heats = places.flat();
    const dark = (place) => (heats.length ? Math.round(191 * (1 - heats[place])) : 0);
    pixels(places.length || 1, places[0]?.length ?? 1, (place) => [0, 0, 0, dark(place)], shade);
  }

  function drawNote({ problem }) {
    const words = trouble || problem || (ready ? KEPT : ALONE);
    const wrong = Boolean(trouble || problem);
    if (note.textContent === words) return;
    note.textContent = words;
    note.className = wrong ? "cv-selected" : "cv-hint";
    if (wrong) note.setAttribute("role", "alert");
    else note.removeAttribute("role");
  }

  function draw(now, root) {
    root.lastChild.style.marginTop = "2px";
    const { scores } = now.live;
    const best = scores.length ? scores.indexOf(Math.max(...scores)) : -1;
    rows.forEach((row, at) => {
      row.node.hidden = at >= now.classes.length;
      if (row.node.hidden) return;
      const count = now.counts[at] ?? [0, 0];
      row.show(now.classes[at], count, scores[at], at === best, {
        ready, camera: stream, holds: held?.to === at, most: full, spare: now.classes.length > fewest });
      row.draw(sheet, count[0]);
    });
    for (const [name, { show: bar }] of Object.entries(tests)) {
      const share = now.accuracy[name];
      tests[name].node.style.opacity = now.learning ? 0.5 : 1; // about to change
      bar(share ?? 0, share == null ? "–" : `${Math.round(100 * share)} %`, share ?? "");
    }
    const span = times.at(-1) - times[0];
    const rate = times.length > 5 ? `, ${(1000 * (times.length - 1) / span).toFixed(0)} answers a second` : "";
    caption.textContent = stream ? `Camera${rate}` : now.live.about || "No picture yet";
    canvas.setAttribute("aria-label", `The picture in question: ${stream ? "the camera's" : now.live.about || "none yet"}`);
    camera.textContent = stream ? "■ Stop the camera" : asking ? "The browser asks …" : "Start the camera";
    camera.disabled = !ready || asking;
    more.disabled = !ready || now.classes.length >= largest;
    askFile.disabled = askScene.disabled = empty.disabled = look.input.disabled = !ready;
    drawShade(now.live.places ?? []);
    drawNote(now);
    return Boolean(ready || model.still);
  }

  async function receive(content, buffers) {
    const image = await createImageBitmap(new Blob([buffers[0]], { type: "image/jpeg" }));
    if (content.show === "small") sheet = image;
    else if (content.show === "picture" && !stream) paint(image);
    redraw();
  }
  model.on("change:done", answered); // at once: by the time of a drawing, another view may have had its answer
  model.on("msg:custom", receive);
  const end = page({ el, tall: 3, controls: [], stage }, draw, () => {
    closed = true;
    stop();
    model.off("change:done", answered);
    model.off("msg:custom", receive);
  });
  if (!model.still) tell({ do: "hello" });
  return end;
}
