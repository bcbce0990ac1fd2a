// A live command through the client that Node programs use.
// Usage: node ws_exec.js URL TOKEN SUBPROTOCOL..., standard input goes to the command.
'use strict';

const WebSocket = require('ws');

const [url, token, ...subprotocols] = process.argv.slice(2);
const bearer = 'base64url.bearer.authorization.k8s.io.' + Buffer.from(token).toString('base64url');
const socket = new WebSocket(url, [...subprotocols, bearer]);
const said = { 1: [], 2: [], 3: [] };

socket.on('open', () => {
    process.stdin.on('data', (data) => socket.send(Buffer.concat([Buffer.from([0]), data])));
    process.stdin.on('end', () => socket.send(Buffer.from([255, 0])));
});
socket.on('message', (data, isBinary) => {
    if (!isBinary) throw new Error('a text message');
    said[data[0]].push(data.subarray(1));
});
socket.on('close', (code) => {
    const text = (channel) => Buffer.concat(said[channel]).toString();
    console.log(JSON.stringify({
        code,
        subprotocol: socket.protocol,
        extensions: socket.extensions,
        stdout: text(1),
        stderr: text(2),
        status: JSON.parse(text(3)),
    }));
    process.stdin.destroy();
});
