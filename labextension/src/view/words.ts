// Lengths of time, times and sizes as people say them; the same words as nbpipe/views/wording.py.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Seconds: `8.1 s`, `12 s`, `3 m 12 s`, `2 h 5 m`. */
export function duration(seconds: number): string {
  if (seconds < 0.05) {
    return '<0.1 s';
  }
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  }
  if (whole < 86400) {
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
  }
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** A length of time that still grows or shrinks: whole seconds, so that it ticks evenly. */
export function ticking(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 60 ? `${whole} s` : duration(whole);
}

/** Bytes, in powers of 1,000: `812 B`, `17 KB`, `1.4 MB`. */
export function size(count: number): string {
  if (count < 1000) {
    return `${count} B`;
  }
  let amount = count;
  let unit = 'B';
  for (unit of ['KB', 'MB', 'GB', 'TB']) {
    amount /= 1000;
    if (amount < 999.5) {
      break;
    }
  }
  return `${amount < 9.95 ? amount.toFixed(1) : amount.toFixed(0)} ${unit}`;
}

/** A time in seconds since the epoch, as seen from now: `today 09:12`, `yesterday 18:40`, `3 May`, `3 May 2024`. */
export function when(then: number, now: number = Date.now() / 1000): string {
  const was = new Date(then * 1000);
  const clock = `${String(was.getHours()).padStart(2, '0')}:${String(was.getMinutes()).padStart(2, '0')}`;
  if (was.toDateString() === new Date(now * 1000).toDateString()) {
    return `today ${clock}`;
  }
  if (was.toDateString() === new Date((now - 86400) * 1000).toDateString()) {
    return `yesterday ${clock}`;
  }
  const date = `${was.getDate()} ${MONTHS[was.getMonth()]}`;
  return was.getFullYear() === new Date(now * 1000).getFullYear() ? date : `${date} ${was.getFullYear()}`;
}

/** `1 line`, `17 lines`, `1,000,000 lines`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** A whole number with its thousands apart: `1,000,000`. */
export function grouped(count: number): string {
  return count.toLocaleString('en');
}
