// Pictures of a run. The server sends no more numbers than there are pixels; zooming asks for the range anew.
"use strict";
(() => {
  const HEIGHT = 300;
  const PLANE = 420;
  const FLOOR_DB = -120;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const trace = (index) => css(`--trace-${(index % 6) + 1}`);
  const font = "12px system-ui, sans-serif";

  async function ask(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  function axis(label, extra = {}) {
    return {
      label, font, labelFont: font, labelSize: 18, labelGap: 0, size: 34, stroke: css("--quiet"),
      grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), width: 1, size: 5 }, ...extra,
    };
  }

  // A line that never moves lies in the middle, not at the edge of a made-up range.
  const around = (_, low, high) => {
    if (low === null || high === null) return [0, 1];
    const room = high > low ? 0.07 * (high - low) : Math.abs(low) * 0.1 || 1;
    return [low - room, high + room];
  };

  const digits = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(6))));

  // A range of samples on the screen, the ways to change it, and the picture that is made of it.
  class Range {
    constructor(figure, spec) {
      this.figure = figure;
      this.spec = spec;
      this.words = JSON.parse(figure.dataset.words);
      this.base = figure.dataset.base;
      this.plot = figure.querySelector(".plot");
      this.note = figure.querySelector(".plot-note");
      this.start = 0;
      this.stop = spec.length;
      this.chart = null;
      this.asked = 0;
      for (const button of figure.querySelectorAll("[data-act]")) {
        button.addEventListener("click", () => this.act(button.dataset.act));
      }
      this.plot.addEventListener("keydown", (event) => {
        const act = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "reset", Escape: "reset" }[event.key];
        if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
          event.preventDefault();
          this.act(act);
        }
      });
      this.plot.addEventListener("dblclick", () => this.act("reset"));
    }

    act(what) {
      const size = this.stop - this.start;
      const middle = (this.start + this.stop) / 2;
      const moves = {
        in: [middle - size / 4, middle + size / 4], out: [middle - size, middle + size],
        left: [this.start - size / 3, this.stop - size / 3], right: [this.start + size / 3, this.stop + size / 3],
        reset: [0, this.spec.length],
      };
      this.show(...moves[what], what === "left" || what === "right");
    }

    show(start, stop, keep = false) {
      const length = this.spec.length;
      let size = Math.max(2, Math.round(stop - start));
      if (keep) size = this.stop - this.start;
      size = Math.min(size, length);
      this.start = Math.min(Math.max(0, Math.round(start)), length - size);
      this.stop = this.start + size;
      return this.draw();
    }

    width() {
      return Math.max(240, this.plot.clientWidth);
    }

    query(extra = "") {
      return `start=${this.start}&stop=${this.stop}${extra}`;
    }

    say() {
      this.note.textContent = this.words.range
        .replace("{start}", this.start + 1).replace("{stop}", this.stop).replace("{length}", this.spec.length);
    }

    // Draw, unless a later wish has overtaken this one.
    async draw() {
      const mine = ++this.asked;
      try {
        const numbers = await this.load();
        if (mine !== this.asked) return;
        this.chart?.destroy();
        this.chart = this.make(numbers);
        this.say();
        this.figure.dataset.drawn = String(Number(this.figure.dataset.drawn || 0) + 1);
      } catch (error) {
        this.note.textContent = this.words.failed.replace("{reason}", error.message);
        this.figure.dataset.drawn = "failed";
      }
    }

    keys() {
      return this.spec.traces.map((each) => `trace=${encodeURIComponent(each.key)}`).join("&");
    }

    selection() {
      return [
        (chart) => {
          if (chart.select.width < 4) return;
          const step = this.spec.step;
          const left = chart.posToVal(chart.select.left, "x") / step;
          const right = chart.posToVal(chart.select.left + chart.select.width, "x") / step;
          this.show(left, right + 1);
        },
      ];
    }
  }

  class Lines extends Range {
    load() {
      return ask(`${this.base}/series?${this.keys()}&${this.query(`&width=${Math.round(this.width())}`)}`);
    }

    make(numbers) {
      const step = this.spec.step;
      const x = numbers.x.map((sample) => sample * step);
      const label = this.spec.facts.rated ? this.words.seconds : this.words.samples;
      const few = x.length < this.width() / 12;
      const series = this.spec.traces.map((each, index) => ({
        label: this.words[each.name] || each.name, stroke: trace(this.color(index)), width: this.weight(index), points: { show: few, size: 5 },
        value: (_, value) => digits(value),
      }));
      return new uPlot({
        width: this.width(), height: HEIGHT,
        scales: { x: { time: false, range: () => [this.start * step, Math.max(this.start + 1, this.stop - 1) * step] }, y: { range: around } },
        axes: [axis(label), axis("", { size: 56 })],
        series: [{ label, value: (_, value) => digits(value) }, ...series],
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        hooks: { setSelect: this.selection() },
      }, [x, ...numbers.ys], this.plot);
    }

    // What is made of something stands out from what it is made of.
    color(index) {
      return this.spec.traces.length === 2 && index === 0 && this.spec.title === "panel.filtered" ? 4 : index;
    }

    weight(index) {
      return this.spec.traces.length === 2 && index === 0 && this.spec.title === "panel.filtered" ? 1 : 1.6;
    }
  }

  class Aligned extends Range {
    async load() {
      const width = Math.round(this.width());
      const [series, connectors] = await Promise.all([
        ask(`${this.base}/series?${this.keys()}&${this.query(`&width=${width}`)}`),
        ask(`${this.base}/connectors?${this.query(`&most=${Math.min(140, Math.round(width / 8))}`)}`),
      ]);
      this.every = connectors.every;
      return { series, connectors };
    }

    make({ series, connectors }) {
      const { lows, highs } = this.bounds(series.ys);
      const span = Math.max(highs[0] - lows[0], highs[1] - lows[1], 1e-12);
      const middles = lows.map((low, index) => (low + highs[index]) / 2);
      // One unit is as long on both scales: the upper half of the picture is the reference, the lower half the target.
      const ranges = [
        [middles[0] - 1.72 * span, middles[0] + 0.56 * span],
        [middles[1] - 0.56 * span, middles[1] + 1.72 * span],
      ];
      const inside = (index) => (_, splits) => splits.map((value) => (value >= lows[index] - 0.06 * span && value <= highs[index] + 0.06 * span ? value : null));
      const names = this.spec.traces.map((each) => each.name);
      const draw = (chart) => this.connect(chart, connectors);
      const half = (index) => axis("", {
        scale: index ? "b" : "a", side: index ? 1 : 3, size: 58, stroke: trace(index), grid: { show: false }, ticks: { show: false }, filter: inside(index),
      });
      return new uPlot({
        width: this.width(), height: PLANE - 60,
        scales: {
          x: { time: false, range: () => [this.start, Math.max(this.start + 1, this.stop - 1)] },
          a: { range: () => ranges[0] }, b: { range: () => ranges[1] },
        },
        axes: [axis(this.words.samples), half(0), half(1)],
        series: [
          { label: this.words.samples },
          { label: names[0], scale: "a", stroke: trace(0), width: 1.8, points: { show: false }, value: (_, value) => digits(value) },
          { label: names[1], scale: "b", stroke: trace(1), width: 1.8, points: { show: false }, value: (_, value) => digits(value) },
        ],
        cursor: { drag: { x: true, y: false, setScale: false } },
        hooks: { setSelect: this.selection(), drawAxes: [draw] },
      }, [series.x, ...series.ys], this.plot);
    }

    bounds(columns) {
      const known = columns.map((column) => column.filter((value) => value !== null));
      return {
        lows: known.map((column) => column.reduce((a, b) => Math.min(a, b), Infinity)).map((v) => (Number.isFinite(v) ? v : 0)),
        highs: known.map((column) => column.reduce((a, b) => Math.max(a, b), -Infinity)).map((v) => (Number.isFinite(v) ? v : 1)),
      };
    }

    connect(chart, { i, j, y, z }) {
      const context = chart.ctx;
      context.save();
      context.beginPath();
      context.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
      context.clip();
      context.strokeStyle = css("--connector");
      context.lineWidth = devicePixelRatio;
      context.beginPath();
      for (let k = 0; k < i.length; k += 1) {
        if (y[k] === null || z[k] === null) continue;
        context.moveTo(chart.valToPos(i[k], "x", true), chart.valToPos(y[k], "a", true));
        context.lineTo(chart.valToPos(j[k], "x", true), chart.valToPos(z[k], "b", true));
      }
      context.stroke();
      context.restore();
    }

    say() {
      super.say();
      if (this.every > 1) this.note.textContent += ` · ${this.words.connectors.replace("{every}", this.every)}`;
    }
  }

  // A matrix, and the path through it where there is one: rows to the right, columns upwards.
  class Plane extends Range {
    constructor(figure, spec) {
      super(figure, spec);
      this.matrix = spec.facts.matrix;
      figure.querySelector(".matrix-select")?.addEventListener("change", (event) => {
        this.matrix = event.target.value;
        this.draw();
      });
    }

    async load() {
      const path = this.spec.kind === "plane" ? await ask(`${this.base}/path?most=3000`) : { i: [], j: [] };
      let image = null;
      if (this.matrix) {
        image = new Image();
        image.src = `${this.base}/matrix.png?name=${encodeURIComponent(this.matrix)}&plane=1`;
        await image.decode();
      }
      return { path, image };
    }

    make({ path, image }) {
      const { n, m, window: radius } = this.spec.facts;
      const [first, second] = this.spec.traces.map((each) => each.name);
      const ratio = Math.min(2, Math.max(0.5, m / n));
      const width = Math.min(this.width(), 560);
      const height = Math.min(PLANE, Math.round((width - 70) * ratio) + 90);
      const low = path.i.map((i) => Math.max(0, i - radius));
      const high = path.i.map((i) => Math.min(m - 1, i + radius));
      const banded = radius !== null && radius !== undefined && radius < Math.max(n, m) - 1 && !image;
      const hidden = { stroke: "transparent", points: { show: false }, label: this.words.window };
      const stroke = image ? "#ffffff" : css("--ink");
      const grid = { show: !image, stroke: css("--grid"), width: 1 };
      const opts = {
        width, height,
        scales: { x: { time: false, range: () => [-0.5, n - 0.5] }, y: { range: () => [-0.5, m - 0.5] } },
        axes: [
          axis(first || this.words.row, { grid, ...(first ? { stroke: trace(0) } : {}) }),
          axis(second || this.words.column, { grid, size: 40, ...(second ? { stroke: trace(1) } : {}) }),
        ],
        legend: { show: false },
        cursor: { show: false },
        series: [{}, { label: this.words.path, stroke, width: 2, points: { show: false } }],
        hooks: { drawClear: [(chart) => this.paint(chart, image, n, m)], draw: [] },
      };
      const data = [path.i.length ? path.i : [0, n - 1], path.j.length ? path.j : [null, null]];
      if (banded) {
        opts.series.push({ ...hidden }, { ...hidden });
        opts.bands = [{ series: [3, 2], fill: css("--band") }];
        data.push(low, high);
      }
      return new uPlot(opts, data, this.plot);
    }

    paint(chart, image, n, m) {
      if (!image) return;
      const left = chart.valToPos(-0.5, "x", true);
      const right = chart.valToPos(n - 0.5, "x", true);
      const top = chart.valToPos(m - 0.5, "y", true);
      const bottom = chart.valToPos(-0.5, "y", true);
      chart.ctx.save();
      chart.ctx.imageSmoothingEnabled = false;
      chart.ctx.drawImage(image, left, top, right - left, bottom - top);
      chart.ctx.restore();
    }

    say() {
      const { n, m } = this.spec.facts;
      this.note.textContent = `${n} × ${m}`;
    }
  }

  class Bode extends Range {
    load() {
      const keys = `trace=metadata.freqs:0&${this.keys()}`;
      return ask(`${this.base}/series?${keys}&start=0&stop=${this.spec.length}&width=${this.spec.length}`);
    }

    make(numbers) {
      const rated = this.spec.facts.rated;
      const keep = numbers.ys[0].map((value, index) => index).filter((index) => !rated || numbers.ys[0][index] > 0);
      const [x, ...curves] = numbers.ys.map((column) => keep.map((index) => column[index]));
      const label = rated ? this.words.hertz : this.words.nyquist;
      const holder = document.createElement("div");
      this.plot.replaceChildren(holder);
      const charts = curves.map((curve, index) => {
        // What is damped by more than this is gone, and would flatten the rest of the curve.
        const range = index === 0 ? (_, low, high) => [Math.max(low, FLOOR_DB) - 3, high + 3] : around;
        return new uPlot({
          width: this.width(), height: index === 0 ? 220 : 190,
          scales: { x: rated ? { time: false, distr: 3 } : { time: false }, y: { range } },
          axes: [axis(label), axis(index === 0 ? this.words.decibels : this.words.radians, { size: 52 })],
          series: [
            { label, value: (_, value) => digits(value) },
            { label: index === 0 ? this.words.decibels : this.words.radians, stroke: trace(index === 0 ? 0 : 3), width: 1.8, points: { show: false }, value: (_, value) => digits(value) },
          ],
          cursor: { sync: { key: this.base }, drag: { x: false, y: false } },
          hooks: { drawAxes: [(chart) => this.mark(chart)] },
        }, [x, curve], holder);
      });
      return { destroy: () => charts.forEach((chart) => chart.destroy()) };
    }

    mark(chart) {
      const context = chart.ctx;
      context.save();
      context.strokeStyle = css("--trace-2");
      context.lineWidth = devicePixelRatio;
      context.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      for (const cutoff of this.spec.facts.cutoffs) {
        const x = chart.valToPos(cutoff, "x", true);
        context.beginPath();
        context.moveTo(x, chart.bbox.top);
        context.lineTo(x, chart.bbox.top + chart.bbox.height);
        context.stroke();
      }
      context.restore();
    }

    say() {
      this.note.textContent = "";
    }
  }

  const KINDS = { lines: Lines, alignment: Aligned, plane: Plane, matrix: Plane, bode: Bode };
  const views = [...document.querySelectorAll("[data-panel]")].map((figure) => {
    const spec = JSON.parse(figure.dataset.panel);
    return new KINDS[spec.kind](figure, spec);
  });
  views.forEach((view) => view.draw());

  let pending = 0;
  const redraw = () => {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => views.forEach((view) => view.draw()));
  };
  let known = document.documentElement.clientWidth;
  addEventListener("resize", () => {
    if (document.documentElement.clientWidth === known) return;
    known = document.documentElement.clientWidth;
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
