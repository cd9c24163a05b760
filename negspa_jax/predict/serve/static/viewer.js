// Pictures on a canvas, and what a person draws on them.
const HANDLE = 12; // a corner is caught from so many CSS pixels away

class Viewer {
  constructor(canvas, base) {
    this.canvas = canvas;
    this.base = base;
    this.drafts = new Map();
    this.pictures = new Map();
    this.onChange = () => {};
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", (event) => this.release(event));
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  // `known`: what was drawn before the page was loaded again.
  show(name, file, known = {}) {
    this.name = name;
    this.file = file;
    this.view = file.view;
    // Another file under the same name begins anew.
    if (this.drafts.get(name)?.of !== file.name) this.drafts.set(name, { of: file.name, ...this.begin(), ...known });
    this.draw();
    this.onChange();
  }

  get draft() { return this.drafts.get(this.name); }

  picture(index) {
    const address = `${this.base}/slice/${this.file.name}/${index}.png`;
    if (!this.pictures.has(address)) {
      const picture = new Image();
      picture.onload = () => this.draw();
      picture.src = address;
      this.pictures.set(address, picture);
    }
    return this.pictures.get(address);
  }

  // The picture fills the width, but leaves the page's other parts in sight.
  fit() {
    const { width, height, spacing_mm: [across, down] } = this.view;
    const aspect = (width * across) / (height * down);
    const room = this.canvas.parentElement.clientWidth;
    const wide = Math.max(120, Math.min(room, 0.72 * window.innerHeight * aspect));
    const ratio = window.devicePixelRatio || 1;
    const tall = wide / aspect;
    this.canvas.style.width = `${wide}px`;
    this.canvas.style.height = `${tall}px`;
    const size = [Math.round(wide * ratio), Math.round(tall * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.size = [wide, tall];
    return pen;
  }

  draw() {
    if (!this.view || !this.canvas.parentElement.clientWidth) return;
    const pen = this.fit();
    const [wide, tall] = this.size;
    const picture = this.picture(this.draft.slice ?? 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, wide, tall);
    pen.imageSmoothingQuality = "high";
    const there = picture.complete && picture.naturalWidth > 0;
    if (there) pen.drawImage(picture, 0, 0, wide, tall);
    // What tests and people wait for: the slice that is seen.
    this.canvas.dataset.shown = there ? `${this.name} ${this.draft.slice ?? 0}` : "";
    this.drawMarks(pen, wide, tall);
    this.drawDraft(pen);
  }

  drawMarks(pen, wide, tall) {
    const { marks } = this.view;
    const places = { left: [12, tall / 2], right: [wide - 12, tall / 2], top: [wide / 2, 14], bottom: [wide / 2, tall - 14] };
    pen.font = "600 15px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const [edge, [x, y]] of Object.entries(places)) {
      if (marks[edge]) write(pen, marks[edge], x, y, "#ffe14d");
    }
  }

  // Where a pointer is, in shares of the picture.
  where(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
}

function write(pen, text, x, y, colour) {
  pen.lineWidth = 3;
  pen.strokeStyle = "#000";
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

function clamp(value, low, high) { return Math.min(Math.max(value, low), high); }

// Four corners on one slice, the first and the last slice.
export class RegionViewer extends Viewer {
  constructor(canvas, base) {
    super(canvas, base);
    this.wheel = 0;
    canvas.addEventListener("wheel", (event) => this.roll(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.type(event));
  }

  begin() { return { slice: Math.floor((this.view.count - 1) / 2), corners: [], first: null, last: null }; }

  // A point's two voxel coordinates come in the order of the stored array's axes.
  toVoxel([x, y]) {
    const { width, height, across, down, flip_across, flip_down } = this.view;
    const column = clamp(x * width - 0.5, 0, width - 1);
    const row = clamp(y * height - 0.5, 0, height - 1);
    const a = flip_across ? width - 1 - column : column;
    const d = flip_down ? height - 1 - row : row;
    return (across < down ? [a, d] : [d, a]).map((value) => Math.round(100 * value) / 100);
  }

  toPage(point) {
    const { width, height, across, down, flip_across, flip_down } = this.view;
    const [a, d] = across < down ? point : [point[1], point[0]];
    const column = flip_across ? width - 1 - a : a;
    const row = flip_down ? height - 1 - d : d;
    return [((column + 0.5) / width) * this.size[0], ((row + 0.5) / height) * this.size[1]];
  }

  get visible() {
    const { first, last, slice } = this.draft;
    return first === null || last === null || (Math.min(first, last) <= slice && slice <= Math.max(first, last));
  }

  drawDraft(pen) {
    const { corners, first, last } = this.draft;
    if (!corners.length || !this.visible) return;
    const points = corners.map((corner) => this.toPage(corner));
    pen.beginPath();
    points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (points.length === 4) pen.closePath();
    pen.setLineDash(first === null || last === null ? [6, 5] : []);
    for (const [width, colour] of [[4, "#000a"], [2, "#4dd2ff"]]) {
      pen.lineWidth = width;
      pen.strokeStyle = colour;
      pen.stroke();
    }
    pen.setLineDash([]);
    points.forEach(([x, y], index) => {
      pen.beginPath();
      pen.arc(x, y, 5, 0, 2 * Math.PI);
      pen.fillStyle = "#4dd2ff";
      pen.fill();
      pen.lineWidth = 1.5;
      pen.strokeStyle = "#000";
      pen.stroke();
      pen.font = "600 12px system-ui, sans-serif";
      write(pen, String(index + 1), x + 11, y - 9, "#4dd2ff");
    });
  }

  press(event) {
    if (event.button) return;
    const [x, y] = this.where(event).map((share, axis) => share * this.size[axis]);
    const near = this.visible ? this.draft.corners.map((corner) => this.toPage(corner)).findIndex(([a, b]) => Math.hypot(a - x, b - y) <= HANDLE) : -1;
    if (near < 0 && this.draft.corners.length === 4) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.held = near < 0 ? this.draft.corners.push(this.toVoxel(this.where(event))) - 1 : near;
    this.change();
  }

  drag(event) {
    if (this.held === undefined) return;
    this.draft.corners[this.held] = this.toVoxel(this.where(event));
    this.change();
  }

  release() {
    if (this.held === undefined) return;
    this.held = undefined;
    this.untangle();
    this.change();
  }

  // Corners that were not clicked going round are put in order round their middle.
  untangle() {
    const { corners } = this.draft;
    if (corners.length < 4 || !(meet(corners, 0, 2) || meet(corners, 1, 3))) return;
    const middle = [0, 1].map((axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / 4);
    const angle = ([x, y]) => Math.atan2(y - middle[1], x - middle[0]);
    corners.sort((one, two) => angle(one) - angle(two));
  }

  roll(event) {
    event.preventDefault();
    // Touch pads send many small steps, a wheel one large one.
    this.wheel += clamp(event.deltaY, -60, 60);
    if (Math.abs(this.wheel) < 40) return;
    this.scrollTo(this.draft.slice + Math.sign(this.wheel));
    this.wheel = 0;
  }

  type(event) {
    const steps = { ArrowUp: -1, ArrowLeft: -1, PageUp: -1, ArrowDown: 1, ArrowRight: 1, PageDown: 1 };
    if (event.key in steps) this.scrollTo(this.draft.slice + steps[event.key]);
    else if (event.key === "Home") this.scrollTo(0);
    else if (event.key === "End") this.scrollTo(this.view.count - 1);
    else if (event.key === "Backspace" || event.key === "Delete") this.undo();
    else return;
    event.preventDefault();
  }

  scrollTo(slice) {
    this.draft.slice = clamp(slice, 0, this.view.count - 1);
    for (const next of [1, -1]) {
      const near = this.draft.slice + next;
      if (near >= 0 && near < this.view.count) this.picture(near);
    }
    this.change();
  }

  setEnd(end) {
    this.draft[end] = this.draft.slice;
    const { first, last } = this.draft;
    // Scrolled from the other end: first and last are what they are.
    if (first !== null && last !== null && first > last) Object.assign(this.draft, { first: last, last: first });
    this.change();
  }

  undo() { this.draft.corners.pop(); this.change(); }

  clear() { Object.assign(this.draft, { corners: [], first: null, last: null }); this.change(); }

  asText() { return this.draft.corners.map((corner) => corner.join(",")).join("; "); }

  fromText(text) {
    const points = text.split(";").filter((part) => part.trim()).map((part) => part.split(",").map(Number));
    if (points.length > 4 || points.some((point) => point.length !== 2 || !point.every(Number.isFinite))) return;
    this.draft.corners = points;
    this.change();
  }

  change() { this.draw(); this.onChange(); }
}

// Whether the edges that begin at two corners cross.
function meet(corners, one, two) {
  const [a, b, c, d] = [one, one + 1, two, two + 1].map((index) => corners[index % 4]);
  const side = (p, q, r) => Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

// A box on a radiograph, in shares of the picture.
export class CropViewer extends Viewer {
  begin() { return { box: null }; }

  drawDraft(pen) {
    const { box } = this.draft;
    if (!box) return;
    const [wide, tall] = this.size;
    const [top, left, bottom, right] = box;
    const [x, y, width, height] = [left * wide, top * tall, (right - left) * wide, (bottom - top) * tall];
    pen.fillStyle = "#0009";
    pen.beginPath();
    pen.rect(0, 0, wide, tall);
    pen.rect(x, y, width, height);
    pen.fill("evenodd");
    pen.lineWidth = 2;
    pen.strokeStyle = "#4dd2ff";
    pen.strokeRect(x, y, width, height);
  }

  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = this.where(event);
  }

  drag(event) {
    if (!this.start) return;
    const [x, y] = this.where(event).map((share) => clamp(share, 0, 1));
    const [a, b] = this.start;
    if (Math.hypot((x - a) * this.size[0], (y - b) * this.size[1]) < HANDLE) return;
    this.draft.box = [Math.min(y, b), Math.min(x, a), Math.max(y, b), Math.max(x, a)];
    this.change();
  }

  release() { this.start = undefined; }

  clear() { this.draft.box = null; this.change(); }

  asText() { return this.draft.box ? this.draft.box.map((share) => Math.round(1000 * share) / 10).join(", ") : ""; }

  fromText(text) {
    const shares = text.split(",").map((part) => Number(part) / 100);
    if (!text.trim()) return this.clear();
    if (shares.length !== 4 || !shares.every((share) => share >= 0 && share <= 1)) return;
    if (shares[0] >= shares[2] || shares[1] >= shares[3]) return;
    this.draft.box = shares;
    this.change();
  }

  change() { this.draw(); this.onChange(); }
}
