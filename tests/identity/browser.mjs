// browser.mjs: Chromium driven by playwright-core, a JSON line on stdin for each command, one on stdout for each result.
//   node browser.mjs EXECUTABLE
//   {"do":"open","page":"a","url":..}  ->  {"value":..} or {"error":..}
// `page` names a browser of its own: each has its own cookies, made when first named.
import readline from 'node:readline';

import {chromium} from 'playwright-core';

const browser = await chromium.launch({executablePath: process.argv[2], headless: true, timeout: 60000, args: ['--no-sandbox',
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']});
const patience = 30000;
const pages = new Map();

async function pageOf(name) {
    if (!pages.has(name)) {
        const context = await browser.newContext();
        const page = await context.newPage();
        page.setDefaultTimeout(patience);
        const one = {context, page, dialogs: [], requests: []};
        page.on('dialog', (dialog) => { one.dialogs.push(dialog.message()); dialog.dismiss().catch(() => {}); });
        page.on('request', (request) => one.requests.push(request.url()));
        pages.set(name, one);
    }
    return pages.get(name);
}

const where = async (page) => ({url: page.url(), text: await page.locator('body').innerText()});

const commands = {
    async open({page}, {url}) {
        const response = await page.goto(url);
        return {...await where(page), status: response?.status()};
    },
    fill: ({page}, {selector, value}) => page.fill(selector, value),
    /// A click that leads to another document: returns when that is there.
    async submit({page}, {selector}) {
        const [response] = await Promise.all([page.waitForNavigation(), page.click(selector)]);
        return {...await where(page), status: response?.status()};
    },
    click: ({page}, {selector}) => page.click(selector),
    text: ({page}, {selector}) => page.locator(selector ?? 'body').first().innerText(),
    url: ({page}) => page.url(),
    html: ({page}) => page.content(),
    cookies: ({context}) => context.cookies(),
    clear_cookies: ({context}) => context.clearCookies(),
    dialogs: ({dialogs}) => dialogs,
    requests: ({requests}) => requests,
    screenshot: ({page}, {path}) => page.screenshot({path}).then(() => path),
    /// By the page's own fetch, with its cookies and its origin; `options` are those of fetch.
    fetch_with: ({page}, {url, options}) => page.evaluate(async ([target, init]) => {
        const response = await fetch(target, init);
        return {type: response.type, status: response.status, url: response.url, redirected: response.redirected,
            headers: Object.fromEntries(response.headers), body: await response.text()};
    }, [url, {redirect: 'follow', ...options}]),
    async close({context}, {page}) {
        pages.delete(page);
        await context.close();
    },
};

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
say({value: {version: browser.version()}});
for await (const line of readline.createInterface({input: process.stdin})) {
    const command = JSON.parse(line);
    try {
        say({value: await commands[command.do](await pageOf(command.page), command) ?? null});
    } catch (error) {
        say({error: error.message});
    }
}
await browser.close();
