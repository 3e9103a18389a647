// A method's settings: fills the drawn controls, reads them, and says what they say.
// In here: element, props, trigger, watch (Gradio's custom HTML). `props.value` is {html, method, all, of}.
const opened = new Set();
let waiting = null, recheck = 0;

const form = () => element.querySelector('.plain-form');
const all = selector => [...element.querySelectorAll(selector)];
const fields = () => all('[data-kind][data-name]');

const numbersOf = text => String(text).split(',').map(part => part.trim()).filter(Boolean);
const isRange = numbers => numbers.length > 1 && numbers.every((n, i) => !i || Number(n) === Number(numbers[i - 1]) + 1);

const fillLayers = (box, value) => {
  const part = name => box.querySelector(`[data-part="${name}"]`);
  const last = /^last (\d+)$/.exec(value), numbers = numbersOf(value);
  const how = value === 'all' ? 'all' : last ? 'last' : isRange(numbers) ? 'range' : 'list';
  part('how').value = how;
  if (last) part('last').value = last[1];
  if (how === 'range') { part('from').value = numbers[0]; part('to').value = numbers.at(-1); }
  if (how === 'list') part('list').value = value;
  showLayers(box);
};
const showLayers = box => {
  const shown = {all: [], last: ['last'], range: ['from', 'to'], list: ['list']}[box.querySelector('select').value];
  box.querySelectorAll('input').forEach(each => { each.hidden = !shown.includes(each.dataset.part); });
};
// Undefined while what was begun is not finished: until then all stays as it was, and so does what is drawn.
const readLayers = box => {
  const value = name => box.querySelector(`[data-part="${name}"]`).value.trim();
  const how = value('how');
  if (how === 'all') return 'all';
  if (how === 'last') return value('last') ? `last ${value('last')}` : undefined;
  if (how === 'list') return value('list') || undefined;
  if (value('from') === '' || value('to') === '') return undefined;
  const begin = Number(value('from')), end = Math.min(Number(value('to')), begin + 2000), numbers = [];
  for (let number = begin; number <= end; number += 1) numbers.push(number);
  return numbers.join(', ') || value('from');
};

const ticks = box => [...box.querySelectorAll('input[data-targets]')];
const fillTargets = (box, value) => {
  const which = value === 'all-linear' || value === 'attention' ? value : '';
  box.querySelectorAll('input[type=radio]').forEach(each => { each.checked = each.value === which; });
  const named = new Set(numbersOf(value));
  ticks(box).forEach(tick => {
    const names = JSON.parse(tick.dataset.targets);
    tick.checked = which ? tick.dataset.learns !== 'none' : names.every(name => named.has(name)) || tick.dataset.learns === 'all';
    tick.indeterminate = !which && !tick.checked && tick.dataset.learns === 'some';
    tick.disabled = which !== '';
  });
  const typed = box.querySelector('.typed');
  if (typed) { typed.hidden = which !== ''; typed.value = which ? '' : value; }
};
const readTargets = box => {
  const which = box.querySelector('input[type=radio]:checked')?.value ?? 'all-linear';
  if (which) return which;
  const typed = box.querySelector('.typed');
  if (typed) return typed.value.trim() || ',';
  const names = ticks(box).filter(tick => tick.checked).flatMap(tick => JSON.parse(tick.dataset.targets));
  return names.join(', ') || ',';
};

const fillOne = (each, value) => {
  if (each.dataset.kind === 'switch') each.checked = Boolean(value);
  else if (each.dataset.kind === 'radio') each.querySelectorAll('input').forEach(one => { one.checked = one.value === value; });
  else if (each.dataset.kind === 'targets') fillTargets(each, value);
  else if (each.dataset.kind === 'layers') fillLayers(each, value);
  else {
    const shown = value === null || value === undefined ? '' : String(value);
    // A size that cannot be used here stays in sight beside those that can.
    if (each.tagName === 'SELECT' && ![...each.options].some(one => one.value === shown)) each.add(new Option(shown, shown));
    each.value = shown;
  }
};
const saidOf = name => props.value.all[form().dataset.method]?.[name] ?? JSON.parse(form().dataset.values)[name];
const readOne = each => {
  if (each.dataset.kind === 'switch') return each.checked;
  if (each.dataset.kind === 'radio') return each.querySelector('input:checked')?.value ?? null;
  if (each.dataset.kind === 'targets') return readTargets(each);
  if (each.dataset.kind === 'layers') return readLayers(each) ?? saidOf(each.dataset.name);
  if (each.value === '') return null;
  return each.dataset.kind === 'number' ? Number(each.value) : each.value;
};

const fill = () => {
  if (!form()) return;
  const values = JSON.parse(form().dataset.values), busy = document.activeElement;
  fields().forEach(each => { if (each !== busy && !(each.dataset.kind === 'layers' && each.contains(busy))) fillOne(each, values[each.dataset.name]); });
  all('input[data-pattern]').forEach(each => {
    if (each !== busy) each.value = (values[each.dataset.pattern] || {})[each.dataset.of] ?? '';
  });
  all('details[data-key]').forEach(each => { each.open = opened.has(each.dataset.key); });
};
const read = () => {
  const found = {};
  fields().forEach(each => { found[each.dataset.name] = readOne(each); });
  all('input[data-pattern]').forEach(each => {
    found[each.dataset.pattern] ??= {};
    if (each.value !== '') found[each.dataset.pattern][each.dataset.of] = Number(each.value);
  });
  return found;
};

let soon = 0;
const say = () => {
  clearTimeout(soon);
  if (!form()) return;
  const said = {...props.value.all, [form().dataset.method]: read()};
  if (JSON.stringify(said) === JSON.stringify(props.value.all)) return;
  waiting = JSON.stringify(said);
  props.value = {...props.value, all: said};
  trigger('input');
};

element.addEventListener('input', event => {
  if (!event.target.matches('input[type=number], input[type=text], textarea')) return;
  clearTimeout(soon);
  soon = setTimeout(say, 400);
});
element.addEventListener('change', event => {
  const layers = event.target.closest('[data-kind="layers"]');
  if (layers) showLayers(layers);
  const targets = event.target.closest('[data-kind="targets"]');
  if (targets && event.target.type === 'radio') {
    const choosing = event.target.value === '';
    ticks(targets).forEach(tick => { tick.disabled = !choosing; });
    const typed = targets.querySelector('.typed');
    if (typed) { typed.hidden = !choosing; if (choosing) typed.focus(); }
    const tree = targets.querySelector('details');
    if (choosing && tree) { opened.add(tree.dataset.key); tree.open = true; }
  }
  say();
});
element.addEventListener('click', event => {
  const details = event.target.closest('summary')?.closest('details[data-key]');
  // The click opens it only afterwards.
  if (details) opened[details.open ? 'delete' : 'add'](details.dataset.key);
});
const arrived = () => {
  clearTimeout(recheck);
  // An answer to something said before the last: the controls show what was said since.
  if (waiting !== null && props.value.of !== waiting) {
    recheck = setTimeout(() => { waiting = null; fill(); }, 3000);
    all('details[data-key]').forEach(each => { each.open = opened.has(each.dataset.key); });
    return;
  }
  waiting = null;
  fill();
};
watch('value', arrived);
fill();
