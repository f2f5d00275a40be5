// Capacity: draws the recorded curves of cvcourse.explorers.Capacity; all numbers come from Python.

function render({ model, el }) {
  const { widths, sizes, curves } = model.get("recorded");
  const board = chart({ width: 940, height: 330, right: 118, size: 15, label: "Training and validation curve over the epochs" });
  const { control: { width, images, remedy, metric }, page, formula: facts } = begin(model, []);
  width.node.style.minWidth = "17em";
  images.node.style.minWidth = "12em";

  const line = ([mean, spread], role, name, dashed) => ({
    role, name, dashed,
    values: mean.map((value, at) => [at + 1, value]),
    band: dashed ? null : mean.map((value, at) => [at + 1, value - spread[at], value + spread[at]]),
  });

  return page({ el, controls: [width, images, remedy, metric], stage: [board.svg, facts] }, (now) => {
    const found = (which) => curves[`${widths[now.width]}, ${sizes[now.images]}, ${which}`];
    const [own, plain] = [found(now.remedy), found("none")];
    const losses = own.val_loss[0];
    const best = losses.indexOf(Math.min(...losses));
    const epochs = losses.length;
    const lines = [line(own[now.metric], "input", "training"), line(own[`val_${now.metric}`], "output", "validation")];
    if (now.remedy !== "none") lines.unshift(line(plain[`val_${now.metric}`], "reference", "no remedy", true));
    const loss = now.metric === "loss";
    board.draw({
      x: { low: 1, high: epochs, title: "epoch", ticks: [1, Math.round(epochs / 2), epochs].map((at) => [at, at]) },
      y: { low: 0, high: loss ? 4 : 1, ticks: loss ? [0, 1, 2, 3, 4].map((at) => [at, at])
        : [0, 0.25, 0.5, 0.75, 1].map((at) => [at, `${100 * at} %`]) },
      lines,
      marks: [{ at: [best + 1, own[`val_${now.metric}`][0][best]], role: "selected" }],
    });
    const percent = (value) => `${Math.round(100 * value)} %`;
    const [train, valid] = [own.accuracy[0].at(-1), own.val_accuracy[0].at(-1)];
    write(facts, "right at the end: training ", ["input", percent(train)], ", validation ",
      ["output", percent(valid)], `; gap ${Math.round(100 * (train - valid))} points. Lowest validation loss ○: `,
      ["selected", `epoch ${best + 1} of ${epochs}`], `, there ${percent(own.val_accuracy[0][best])} right.`);
  });
}
