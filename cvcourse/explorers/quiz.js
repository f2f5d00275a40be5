// Quiz: shows the state of cvcourse.explorers.Quiz. What is said to an answer is opened by that answer, as sealed.py
// has it. SHA-256 is our own, since pages from disk and from a plain http address get none from the browser.

const SHA = (() => {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((one) => n % one)) primes.push(n);
  const part = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
  return { start: primes.slice(0, 8).map((n) => part(Math.sqrt(n))), rounds: primes.map((n) => part(Math.cbrt(n))) };
})();

// The 32 bytes of SHA-256 (FIPS 180-4) of a text.
function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const words = new Uint32Array((((bytes.length + 8) >> 6) + 1) * 16);
  bytes.forEach((byte, n) => { words[n >> 2] |= byte << (24 - 8 * (n % 4)); });
  words[bytes.length >> 2] |= 0x80 << (24 - 8 * (bytes.length % 4));
  words[words.length - 1] = 8 * bytes.length;
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  const hash = Int32Array.from(SHA.start);
  for (let from = 0; from < words.length; from += 16) {
    const w = new Int32Array(64);
    let [a, b, c, d, e, f, g, h] = hash;
    for (let n = 0; n < 64; n++) {
      const [old, near] = [w[n - 15], w[n - 2]];
      w[n] = n < 16 ? words[from + n] : w[n - 16] + w[n - 7]
        + (turn(old, 7) ^ turn(old, 18) ^ (old >>> 3)) + (turn(near, 17) ^ turn(near, 19) ^ (near >>> 10));
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + SHA.rounds[n] + w[n]) | 0;
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((value, n) => { hash[n] += value; });
  }
  return Uint8Array.from({ length: 32 }, (_, n) => hash[n >> 2] >>> (24 - 8 * (n % 4)));
}

function opened({ salt, sealed }, key) {
  const hex = Array.from(sha256(`${salt}|${key}|label`), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const text = sealed[hex.slice(0, 10)];
  if (!text) return null;
  let block;
  const bytes = Uint8Array.from(atob(text), (letter, n) => {
    if (n % 32 === 0) block = sha256(`${salt}|${key}|${n / 32}`);
    return letter.charCodeAt(0) ^ block[n % 32];
  });
  return new TextDecoder().decode(bytes).trimEnd();
}

// Numbers as sealed.written has them: a whole number stays one, since half a window is none.
function rounded(value, per) {
  const [units, of] = per > 1 || Number.isInteger(value) ? [per, ""] : [100, "/100"];
  return `${Math.floor(value * units + 0.5)}${of}`;
}

const none = (answer) => answer === null || answer === "";

function verdict(question, answer) {
  const { kind, per } = question;
  const key = none(answer) ? "" : kind === "number" ? rounded(answer, per) : answer;
  const whole = key && opened(question, key);
  const say = (right, words) => ({ right, words: `${right ? "✓ Right." : "✗ Not right yet."}${words} See ${question.see}.` });
  if (whole) return say(whole[0] === "✓", whole.slice(1));
  const letters = kind === "number" ? [] : [...key];
  const parts = { several: letters.map((one) => `has ${one}`),
    order: letters.flatMap((one, n) => letters.slice(n + 1).map((later) => `${one}<${later}`)) }[kind] ?? [];
  let wrong = parts.map((part) => opened(question, part)).filter((words) => words?.[0] === "✗").map((words) => words.slice(1));
  if (kind === "several" && key && !wrong.length) wrong = [" What you ticked is true, but something is missing."];
  return say(false, wrong.slice(0, kind === "several" ? 2 : 1).join(""));
}

// `code` between backticks.
const rich = (text) => text.split("`").map((part, n) => (n % 2 ? element("code", {}, part) : part));

function render({ model, el }) {
  const { get, set, page } = begin(model, ["part", "questions", "answers", "checked", "at"]);
  const legend = element("legend");
  const options = element("div", { class: "cv-options" });
  const heard = element("span", { class: "cv-hidden", role: "status" });
  const progress = element("output", { class: "cv-value" });
  const line = element("input", { readonly: true, "aria-label": "Your answers as a line of Python", class: "cv-line" });
  line.addEventListener("focus", () => line.select());
  const group = `quiz-${Math.random().toString(36).slice(2)}`;
  let built = -1;
  let show = () => {};

  const go = (step) => update({ at: within(get().at + step, 0, get().questions.length - 1) });
  const back = button("◀ Back", () => go(-1));
  const next = button("Next ▶", () => go(1));
  const check = button("Check", () => {
    const { questions, answers, checked, at } = get();
    const start = questions[at].kind === "order" && none(answers[at]) ? letters(questions[at]) : answers[at];
    if (none(start)) { heard.textContent = ""; heard.textContent = "Answer first."; return; }
    update({ answers: answers.with(at, start), checked: checked.with(at, true) });
  }, "cv-check");

  const letters = ({ options: all }) => "abcdefgh".slice(0, all.length);

  function words({ questions, answers, checked, at }) {
    const head = `Question ${at + 1} of ${questions.length}`;
    if (!checked[at]) return `${head}: ${none(answers[at]) ? "not answered yet" : "not checked yet"}.`;
    return `${head}. ${verdict(questions[at], answers[at]).words}`;
  }

  const update = (values) => set({ ...values, description: words({ ...get(), ...values }) });

  function answer(value) {
    const { answers, checked, at } = get();
    update({ answers: answers.with(at, value), checked: checked.with(at, false) });
  }

  // One of several, or several of several: what the browser has for that.
  function choices(question) {
    const many = question.kind === "several";
    const inputs = question.options.map(() => element("input", { type: many ? "checkbox" : "radio", name: group }));
    const chosen = () => inputs.map((input, n) => (input.checked ? "abcdefgh"[n] : "")).join("");
    inputs.forEach((input) => input.addEventListener("change", () => answer(chosen() || null)));
    options.replaceChildren(...inputs.map((input, n) => (
      element("label", { class: "cv-option" }, input, element("b", {}, `${"abcdefgh"[n]}`), element("span", {}, ...rich(question.options[n]))))));
    return (value) => inputs.forEach((input, n) => { input.checked = (value ?? "").includes("abcdefgh"[n]); });
  }

  function figure(question) {
    const input = element("input", { type: "number", step: "any", class: "cv-number", "aria-label": `Your number${question.unit ? ` in ${question.unit}` : ""}` });
    input.addEventListener("input", () => answer(input.value === "" ? null : Number(input.value)));
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") check.click(); });
    options.replaceChildren(element("label", { class: "cv-option" }, "Your number:", input, question.unit));
    return (value) => { if (document.activeElement !== input) input.value = value ?? ""; };
  }

  function order(question) {
    const list = element("ol", { class: "cv-order" });
    const rows = Object.fromEntries([...letters(question)].map((letter, n) => {
      const text = question.options[n].replaceAll("`", "");
      const arrows = [["↑", -1, "up"], ["↓", 1, "down"]].map(([sign, step, way]) => button(sign, () => move(letter, step), "", { "aria-label": `Move ${way}: ${text}` }));
      return [letter, { arrows, text, node: element("li", {}, ...arrows, element("span", {}, ...rich(question.options[n]))) }];
    }));
    function move(letter, step) {
      const now = [...(get().answers[get().at] || letters(question))];
      const from = now.indexOf(letter);
      const to = within(from + step, 0, now.length - 1);
      now.splice(to, 0, ...now.splice(from, 1));
      answer(now.join(""));
      rows[letter].arrows[step < 0 ? 0 : 1].focus();
      heard.textContent = `${rows[letter].text}: place ${to + 1} of ${now.length}.`;
    }
    options.replaceChildren(list);
    return (value) => list.replaceChildren(...[...(value || letters(question))].map((letter) => rows[letter].node));
  }

  const MAKE = { one: choices, several: choices, number: figure, order };
  const HOW = { one: "One answer.", several: "Tick all that are true.", number: "A number.", order: "Put in order, the first on top." };
  const how = element("p", { class: "cv-hint" });
  const stage = element("fieldset", { class: "cv-quiz" }, legend, how, options);
  const more = element("details", { class: "cv-hint" }, element("summary", {}, "Your answers as a line of Python, for a graded exercise"), line);

  return page({ el, controls: [back, next, progress], stage: [stage, check, more, heard] }, (now, root) => {
    const { questions, answers, checked, at } = now;
    if (built !== at) {
      write(legend, ...rich(questions[at].ask));
      how.textContent = HOW[questions[at].kind];
      show = MAKE[questions[at].kind](questions[at]);
      heard.textContent = "";
      built = at;
    }
    show(answers[at]);
    const rights = questions.map((question, n) => checked[n] && verdict(question, answers[n]).right);
    progress.textContent = `Question ${at + 1} of ${questions.length}, ${rights.filter(Boolean).length} right`;
    back.disabled = at === 0;
    next.disabled = at === questions.length - 1;
    more.hidden = now.part !== "";
    line.value = `answers = ${JSON.stringify(answers).replaceAll("null", "None").replaceAll(",", ", ")}`;
    root.dataset.verdict = checked[at] ? (rights[at] ? "right" : "wrong") : "";
  });
}
