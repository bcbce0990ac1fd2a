// serving.mjs: what the node programs of this folder share.

/// Lines for the log file of the program, which pytest shows when a test failed.
export const say = (...what) => console.error(new Date().toISOString(), ...what);

export async function read(stream) {
    const parts = [];
    for await (const part of stream) parts.push(part);
    return Buffer.concat(parts).toString();
}

const entities = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'};
export const escape = (text) => text.replace(/[&<>"']/g, (letter) => entities[letter]);

/// Listens, says "ready", ends with its parent: stdin closes when pytest is gone.
export function listen(server, {host, port}) {
    const [handle] = server.listeners('request');
    server.removeListener('request', handle);
    server.on('request', async (request, response) => {
        try {
            await handle(request, response);
        } catch (error) {
            say(request.method, request.url, error);
            if (!response.headersSent) response.writeHead(error.status ?? error.statusCode ?? 500);
            response.end();
        }
    });
    server.listen(port, host, () => console.log('ready'));
    process.stdin.resume().on('end', () => process.exit(0));
}
