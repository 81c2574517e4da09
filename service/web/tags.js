// Where the tags of boxes stand: above their box where there is room, else inside it, else under it, and not over each
// other.

const ROWS = 12; // tried inside a box

// Place of a tag of `width` by `height` at `box` on an image of `size`, clear of the places in `taken`, to which it is
// added. Where nothing is clear it stands as if it were alone.
export function place(box, { width, height }, size, taken) {
  const x = Math.max(0, Math.min(box.x_min, size.width - width));
  const rows = Array.from({ length: ROWS }, (_, row) => box.y_min + row * height);
  const inside = rows.filter((y, row) => row === 0 || y + height <= box.y_max);
  const places = [box.y_min - height, ...inside, box.y_max]
    .filter((y) => y >= 0 && y + height <= size.height)
    .map((y) => ({ x, y, width, height }));
  const alone = places[0] ?? { x, y: Math.max(0, size.height - height), width, height };
  const found = places.find((one) => !taken.some((other) => overlap(one, other))) ?? alone;
  taken.push(found);
  return found;
}

const overlap = (one, other) =>
  one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
