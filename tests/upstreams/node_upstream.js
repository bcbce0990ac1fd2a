// Node's servers: http, https, http2 over TLS (with and without HTTP/1.1) and plain http2.
// node node_upstream.js CERTIFICATE KEY PORT... prints "ready" when all listen.
//   /body/SIZE?framing=length|chunked|close    bytes that `body_of` in real_servers.py knows
//   /echo      {"bytes","sha256"} of the request's body
//   /hints     103 and then 200       /status/CODE
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const https = require("https");
const http2 = require("http2");

const [cert, key, ...ports] = process.argv.slice(2);
const tls = {cert: fs.readFileSync(cert), key: fs.readFileSync(key)};

function bodyOf(size) {
    const body = Buffer.alloc(size);
    for (let i = 0; i < size; ++i) body[i] = (i * 31 + (i >> 8)) & 0xff;
    return body;
}

function answer(request, response) {
    const url = new URL(request.url, "http://a");
    const [, what, argument] = url.pathname.split("/");
    if (what === "body") {
        const body = bodyOf(Number(argument));
        const framing = url.searchParams.get("framing");
        if (framing === "length") response.setHeader("Content-Length", body.length);
        if (framing === "close") response.useChunkedEncodingByDefault = false;
        if (request.method === "HEAD") return response.end();
        if (framing === "length") return response.end(body);
        response.flushHeaders?.();
        for (let at = 0; at < body.length; at += 50000) response.write(body.subarray(at, at + 50000));
        return response.end();
    }
    if (what === "echo") {
        const hash = crypto.createHash("sha256");
        let bytes = 0;
        request.on("data", (part) => { hash.update(part); bytes += part.length; });
        request.on("end", () => {
            response.end(JSON.stringify({bytes, sha256: hash.digest("hex"), method: request.method}));
        });
        return undefined;
    }
    if (what === "hints") {
        response.writeEarlyHints({link: "</style.css>; rel=preload"});
        return response.end("hinted");
    }
    if (what === "status") {
        response.writeHead(Number(argument), {"X-Status": argument});
        return response.end();
    }
    return response.end("ok");
}

const servers = [
    http.createServer({keepAliveTimeout: 60000}, answer),
    https.createServer({...tls, keepAliveTimeout: 60000}, answer),
    http2.createSecureServer({...tls, allowHTTP1: true}, answer),
    http2.createServer(answer),
];
let waiting = servers.length;
servers.forEach((server, i) => server.listen(Number(ports[i]), "127.0.0.1", () => {
    if (--waiting === 0) console.log("ready");
}));
