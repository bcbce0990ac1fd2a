// stock_bff.mjs: a backend for browsers with the routes of ours, by unmodified openid-client. Proves the bench: what
// the suites expect of our server is what a stock client does with the same providers.
//   node stock_bff.mjs '{"host","port","issuer","client_id","secret"|"key_file"}'   prints "ready" when it listens.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

import * as jose from 'jose';
import * as oidc from 'openid-client';

import {listen, read, say} from './serving.mjs';

const config = JSON.parse(process.argv[2]);
const origin = `http://${config.host}:${config.port}`;
const logins = new Map();    // state -> {verifier, nonce, binding, returnTo, high, session}
const sessions = new Map();  // cookie -> session
const seen = new Set();      // jti of logout tokens
const stepupMaxAge = 180;

async function clientAuth() {
    if (!config.key_file) return oidc.ClientSecretBasic(config.secret);
    return oidc.PrivateKeyJwt(await jose.importPKCS8(fs.readFileSync(config.key_file, 'utf8'), 'ES256'));
}

let discovered;
async function provider() {
    discovered ??= await oidc.discovery(new URL(config.issuer), config.client_id, {require_auth_time: true, use_mtls_endpoint_aliases: false,
        ...(config.id_token_alg && {id_token_signed_response_alg: config.id_token_alg})}, await clientAuth(),
    {execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks], timeout: 3});
    return discovered;
}

const random = () => crypto.randomBytes(32).toString('base64url');
const cookie = (name, value, path = '/') => `${name}=${value}; Path=${path}; HttpOnly; SameSite=Lax${value ? '' : '; Max-Age=0'}`;
const cookies = (request) => Object.fromEntries((request.headers.cookie ?? '').split('; ').map((pair) => pair.split('=')));
const local = (path) => (/^\/(?![/\\])[^\\\0-\x1f]*$/.test(path ?? '') ? path : '/');

function refuse(response, status, slug, headers = {}) {
    response.writeHead(status, {'content-type': 'application/json', ...headers}).end(JSON.stringify({code: slug}));
}

function view(session) {
    const {claims} = session;
    return {subject: claims.sub, email: claims.email, roles: claims.roles, scopes: [], acr: claims.acr ?? '', auth_time: claims.auth_time,
        expires_at: session.expires, csrf_token: session.csrf};
}

async function login(request, response, url, high) {
    const client = await provider();
    const entry = {verifier: oidc.randomPKCECodeVerifier(), nonce: random(), binding: random(), high,
        returnTo: local(url.searchParams.get('return_to')), session: cookies(request).acp_session};
    const state = random();
    const parameters = {redirect_uri: `${origin}/auth/callback`, scope: 'openid profile email', state, nonce: entry.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(entry.verifier), code_challenge_method: 'S256',
        ...(high && {acr_values: 'high', max_age: '0'})};
    const par = client.serverMetadata().pushed_authorization_request_endpoint;
    const target = par ? await oidc.buildAuthorizationUrlWithPAR(client, parameters) : oidc.buildAuthorizationUrl(client, parameters);
    logins.set(state, entry);
    response.writeHead(302, {location: target.href, 'set-cookie': cookie('acp_login', entry.binding, '/auth')}).end();
}

async function callback(request, response, url) {
    const state = url.searchParams.get('state');
    const entry = logins.get(state);
    if (!entry || entry.binding !== cookies(request).acp_login) return refuse(response, 400, 'login_unknown');
    logins.delete(state);
    const client = await provider();
    const tokens = await oidc.authorizationCodeGrant(client, new URL(url.href), {pkceCodeVerifier: entry.verifier, expectedState: state,
        expectedNonce: entry.nonce, idTokenExpected: true, ...(entry.high && {maxAge: stepupMaxAge})});
    const claims = tokens.claims();
    if (client.serverMetadata().userinfo_endpoint) await oidc.fetchUserInfo(client, tokens.access_token, claims.sub);
    if (entry.high && claims.acr !== 'high') return refuse(response, 403, 'acr_too_low');
    if (entry.high && sessions.get(entry.session)?.claims.sub !== claims.sub) return refuse(response, 403, 'other_subject');
    sessions.delete(entry.session);
    const id = random();
    sessions.set(id, {claims, refresh: tokens.refresh_token, idToken: tokens.id_token, csrf: random(), key: random(),
        expires: Math.floor(Date.now() / 1000) + 3600});
    response.writeHead(302, {location: entry.returnTo, 'set-cookie': cookie('acp_session', id)}).end();
    return undefined;
}

async function refresh(session, id) {
    const client = await provider();
    try {
        const tokens = await oidc.refreshTokenGrant(client, session.refresh);
        if (tokens.claims() && tokens.claims().sub !== session.claims.sub) throw new Error('the subject changed');
        session.refresh = tokens.refresh_token ?? session.refresh;
        return 200;
    } catch (error) {
        say('refresh', error);
        if (error.error !== 'invalid_grant') return 502;
        sessions.delete(id);
        return 401;
    }
}

async function backchannel(request, response) {
    const token = new URLSearchParams(await read(request)).get('logout_token') ?? '';
    const client = await provider();
    const keys = jose.createRemoteJWKSet(new URL(client.serverMetadata().jwks_uri), {timeoutDuration: 3000});
    try {
        const {payload, protectedHeader} = await jose.jwtVerify(token, keys, {issuer: config.issuer, audience: config.client_id,
            algorithms: ['RS256', 'ES256'], requiredClaims: ['iat', 'exp', 'jti'], maxTokenAge: 300});
        const event = payload.events?.['http://schemas.openid.net/event/backchannel-logout'];
        const named = payload.sid ?? payload.sub;
        if (protectedHeader.typ !== 'logout+jwt' || typeof event !== 'object' || 'nonce' in payload || !named) throw new Error('no logout token');
        if (seen.has(payload.jti)) throw new Error('replayed');
        seen.add(payload.jti);
        for (const [id, {claims}] of sessions) {
            if (payload.sid ? claims.sid === payload.sid : claims.sub === payload.sub) sessions.delete(id);
        }
    } catch (error) {
        say('logout token', error);
        return refuse(response, 400, 'invalid_request', {'cache-control': 'no-store'});
    }
    return response.writeHead(200, {'cache-control': 'no-store'}).end();
}

async function logout(session, id, response) {
    sessions.delete(id);
    const target = oidc.buildEndSessionUrl(await provider(), {id_token_hint: session.idToken, post_logout_redirect_uri: `${origin}/`});
    response.writeHead(200, {'content-type': 'application/json', 'set-cookie': cookie('acp_session', '')});
    response.end(JSON.stringify({location: target.href}));
}

async function withSession(request, response, path) {
    const id = cookies(request).acp_session;
    const session = sessions.get(id);
    if (!session) return refuse(response, 401, 'unauthenticated', {'www-authenticate': 'Bearer realm="stock"'});
    if (request.method !== 'GET') {
        const site = request.headers['sec-fetch-site'] ?? 'same-origin';
        const from = request.headers.origin ?? origin;
        if (request.headers['x-csrf-token'] !== session.csrf || site !== 'same-origin' || from !== origin) return refuse(response, 403, 'csrf');
    }
    const json = (value) => response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(value));
    if (path === '/auth/me') return json(view(session));
    if (request.method === 'GET' && path !== '/auth/sessions') return refuse(response, 405, 'method_not_allowed');
    if (path === '/auth/logout') return logout(session, id, response);
    if (path === '/auth/refresh') {
        const status = await (session.flight ??= refresh(session, id).finally(() => { session.flight = undefined; }));
        return status === 200 ? json(view(session)) : refuse(response, status, 'refresh_failed');
    }
    const own = [...sessions].filter(([, other]) => other.claims.sub === session.claims.sub);
    if (request.method === 'GET') return json({items: own.map(([key, other]) => ({id: other.key, current: key === id}))});
    const target = own.find(([, other]) => path.endsWith(`/${other.key}`));
    if (!target) return refuse(response, 404, 'not_found');
    sessions.delete(target[0]);
    return response.writeHead(204).end();
}

async function answer(request, response) {
    const url = new URL(request.url, origin);
    const {method} = request;
    const path = url.pathname;
    if (method === 'GET' && path === '/') return response.writeHead(200, {'content-type': 'text/html'}).end('<!DOCTYPE html>home');
    if (method === 'POST' && path === '/auth/backchannel-logout') return backchannel(request, response);
    if (/^\/auth\/(me|refresh|logout|sessions(\/[\w-]+)?)$/.test(path)) return withSession(request, response, path);
    const flow = {'/auth/login': () => login(request, response, url, false), '/auth/stepup': () => login(request, response, url, true),
        '/auth/callback': () => callback(request, response, url)}[path];
    if (!flow || method !== 'GET') return refuse(response, 404, 'not_found');
    try {
        return await flow();
    } catch (error) {
        say(path, error);
        return refuse(response, 502, 'login_failed');
    }
}

listen(http.createServer(answer), config);
