const parse = text => {
  const parts = text.match(/[\d.]+(e-?\d+)?/g).map(Number);
  const unit = text.startsWith("color(") ? 255 : 1;
  return [...parts.slice(0, 3).map(part => part * unit), parts.length > 3 ? parts[3] : 1];
};
const over = (top, under) => [0, 1, 2].map(k => top[k] * top[3] + under[k] * (1 - top[3])).concat(1);
const light = colour => {
  const [r, g, b] = colour.map(part => part / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = element => {
  const layers = [];
  for (let each = element; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
};
const boxed = element => {
  const box = element.closest("svg.way") && ["name", "holds"].includes(element.getAttribute("class"));
  return box ? over(parse(getComputedStyle(element.ownerSVGElement.querySelector(".box")).fill), behind(element)) : behind(element);
};
const faint = [];
let read = 0;
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
  if (!text || element.closest("title") || !element.getBoundingClientRect().width) continue;
  const style = getComputedStyle(element), inside = element instanceof SVGElement;
  const ground = inside ? boxed(element) : behind(element);
  const ink = over(parse(inside ? style.fill : style.color), ground);
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  read += 1;
  if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) faint.push([text.slice(0, 40), ((a + 0.05) / (b + 0.05)).toFixed(2)]);
}
return [read, faint];
