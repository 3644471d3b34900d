// Opens boards in headless Chromium and says what is there: node visit.mjs LINK FOLDER UID...
//
// LINK is what `yuqing up --look` prints. One JSON line a board: its panels with state and rows, what the console said,
// errors of the page, texts that stand in the first screen. FOLDER gets UID.png of the whole board and UID-first.png of
// the first screen. CHROMIUM names the browser, else `chromium` on the PATH.
import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

const WIDTH = 1600;
const HEIGHT = 1000;
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 60000);

const [link, folder, ...uids] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-sync', '--no-first-run'],
});
const context = await browser.newContext({ viewport: { width: WIDTH, height: HEIGHT }, locale: 'zh-CN' });
const entered = await context.newPage();
await entered.goto(link, { waitUntil: 'commit' });
const origin = new URL(link).origin;
const address = entered.url();
await entered.close();

for (const uid of uids) {
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(`${message.type()}: ${message.text().slice(0, 400)}`));
  page.on('pageerror', (error) => said.push(`page error: ${String(error.stack ?? error).slice(0, 400)}`));
  let sawAway = false; // the page has said that the store does not answer
  page.locator('[data-away]').waitFor({ timeout: PATIENCE_MS }).then(() => { sawAway = true; }, () => {});
  await page.goto(`${origin}/d/${uid}`);
  const settled = () => {
    const panels = [...document.querySelectorAll('[data-panel]')];
    return panels.length > 0 && panels.every((panel) => panel.dataset.loading === 'false');
  };
  const timedOut = await page.waitForFunction(settled, null, { timeout: PATIENCE_MS }).then(() => false, () => true);
  await page.waitForTimeout(500); // canvases are drawn in the next frames
  await page.screenshot({ path: `${folder}/${uid}-first.png` });
  // a browser leaves out what is not on the screen, so the whole board is put on it
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: WIDTH, height: Math.max(HEIGHT, height) });
  await page.waitForTimeout(1000);
  const panels = await page.locator('[data-panel]').evaluateAll((found) => found.map((panel) => ({
    id: Number(panel.dataset.panel), type: panel.dataset.type, title: panel.dataset.title,
    state: panel.dataset.state, rows: Number(panel.dataset.rows), text: panel.innerText,
    canvases: panel.querySelectorAll('canvas').length, icons: panel.querySelectorAll('svg').length,
    bottom: panel.getBoundingClientRect().bottom,
    // text that its own box cuts off where nothing can be scrolled
    cut: [...panel.querySelectorAll('[role=gridcell], [role=columnheader]')]
      .filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.innerText.slice(0, 60)),
  })));
  const notices = await page.locator('[role=alert]').allInnerTexts();
  await page.screenshot({ path: `${folder}/${uid}.png` });
  await page.close();
  console.log(JSON.stringify({ uid, address, timedOut, sawAway, panels, said, notices }));
}
await browser.close();
