// Rows by key inside an element: made when first needed, in the order given. They are kept and
// rewritten, so that the focus and what is unfolded stay while the numbers run.

export class Rows {
  constructor(root, make) {
    this.root = root;
    this.make = make;
    this.rows = new Map();
  }

  /** Show these keys in this order, and no other: `make(key, value)` makes a row, `fill(row, value)` writes it. */
  show(entries, fill) {
    const keys = new Set(entries.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.root.remove();
      this.rows.delete(key);
    }
    entries.forEach(([key, value], place) => {
      if (!this.rows.has(key)) this.rows.set(key, this.make(key, value));
      const row = this.rows.get(key);
      if (this.root.children[place] !== row.root) this.root.insertBefore(row.root, this.root.children[place] ?? null);
      fill(row, value);
    });
  }
}
