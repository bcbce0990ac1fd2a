// hostile.mjs: an OpenID Provider that misbehaves. Each case of hostile_cases.mjs is an issuer of its own, /CASE, so
// nothing that a client remembers of one case reaches another.
//   node hostile.mjs '{"host","port","canary","client_id","client_secret"}'   prints "ready" when it listens.
// Nobody logs in: /CASE/authorize goes straight back with a code. Whatever connects to the port `canary` followed
// something that it must not follow. For the tests:
//   GET  /_test/seen/CASE            {"requests":{endpoint:count},"canary":connections,"tokens":[id_tokens given out]}
//   POST /_test/reset/CASE           forgets what happened in the case
//   POST /_test/logout-token/CASE    claims to put over the good ones -> {"token"}, made as the case makes it
import crypto from 'node:crypto';
import http from 'node:http';
import net from 'node:net';

import {cases} from './hostile_cases.mjs';
import {listen, read} from './serving.mjs';

const config = JSON.parse(process.argv[2]);
const origin = `http://${config.host}:${config.port}`;
const canary = `http://${config.host}:${config.canary}`;
const now = () => Math.floor(Date.now() / 1000);
const b64 = (data) => Buffer.from(data).toString('base64url');

const pair = () => crypto.generateKeyPairSync('rsa', {modulusLength: 2048});
const keys = {main: pair(), next: pair(), other: pair()};

const jwk = (name, more) => ({...keys[name].publicKey.export({format: 'jwk'}), kid: name, use: 'sig', alg: 'RS256', ...more});

/// A compact JWS whatever is in it; `key` is a private key, a secret for HS256, or null for no signature.
function jws(header, payload, key) {
    const text = [header, payload].map((part) => b64(typeof part === 'string' ? part : JSON.stringify(part))).join('.');
    if (key === null) return `${text}.`;
    if (header.alg === 'HS256') return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
    return `${text}.${crypto.sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

/// What hooks of a case see; one for each case, for as long as the process lives.
function stateOf(name) {
    return {name, issuer: `${origin}/${name}`, origin, canary, client: config, keys, jwk, jws, now, b64,
        signer: 'main', logins: 0, refreshes: 0, codes: new Map(), nonces: [], tokens: [], requests: {}, pushed: new Map()};
}
const states = new Map();
let canaryConnections = 0;

function discovery(s) {
    return {issuer: s.issuer, authorization_endpoint: `${s.issuer}/authorize`, token_endpoint: `${s.issuer}/token`,
        jwks_uri: `${s.issuer}/jwks`, userinfo_endpoint: `${s.issuer}/userinfo`, end_session_endpoint: `${s.issuer}/end_session`,
        response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: ['client_secret_basic'], code_challenge_methods_supported: ['S256'],
        grant_types_supported: ['authorization_code', 'refresh_token'], scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
        authorization_response_iss_parameter_supported: true, acr_values_supported: ['low', 'high'],
        backchannel_logout_supported: true, backchannel_logout_session_supported: true};
}

function goodClaims(s, login, accessToken) {
    const hash = crypto.createHash('sha256').update(accessToken).digest();
    return {iss: s.issuer, sub: 'eve', aud: config.client_id, iat: now(), exp: now() + 300, auth_time: now(), nonce: login.nonce,
        acr: login.acr, sid: login.sid, at_hash: b64(hash.subarray(0, 16)), email: 'eve@example.org', roles: ['admin'], groups: ['platform']};
}

function sign(s, hooks, claims, typ) {
    const header = {alg: 'RS256', kid: s.signer, ...(typ && {typ})};
    if (hooks.sign) return hooks.sign(header, claims, s);
    return jws(hooks.header ? hooks.header(header, s) : header, claims, keys[s.signer].privateKey);
}

const endpoints = {
    '.well-known/openid-configuration': (s, hooks, {json}) => json(200, {...discovery(s), ...hooks.discovery?.(s)}),

    jwks: (s, hooks, {json}) => json(200, hooks.jwks ? hooks.jwks(s) : {keys: [jwk(s.signer)]}),

    par(s, hooks, {json, form}) {
        const uri = `urn:ietf:params:oauth:request_uri:${crypto.randomUUID()}`;
        s.pushed.set(uri, form);
        json(201, {request_uri: uri, expires_in: 60});
    },

    authorize(s, hooks, {url, redirect}) {
        const query = s.pushed.get(url.searchParams.get('request_uri')) ?? url.searchParams;
        s.logins += 1;
        hooks.authorize?.(s);
        const code = crypto.randomUUID();
        const acr = (query.get('acr_values') ?? 'low').split(' ')[0];
        s.codes.set(code, {nonce: query.get('nonce'), challenge: query.get('code_challenge'), acr, sid: crypto.randomUUID()});
        s.nonces.push(query.get('nonce'));
        const answer = {code, state: query.get('state'), iss: s.issuer};
        const back = new URL(query.get('redirect_uri'));
        for (const [name, value] of Object.entries(hooks.callback ? hooks.callback(answer, s) : answer)) back.searchParams.append(name, value);
        redirect(302, back.href);
    },

    token(s, hooks, {form, json}) {
        const refreshing = form.get('grant_type') === 'refresh_token';
        const login = refreshing ? s.login : s.codes.get(form.get('code'));
        const challenge = crypto.createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
        if (!login || (!refreshing && (login.challenge !== challenge || login.used))) return json(400, {error: 'invalid_grant'});
        login.used = true;
        s.login = login;
        s.refreshes += refreshing ? 1 : 0;
        const accessToken = crypto.randomUUID();
        const good = goodClaims(s, login, accessToken);
        const bad = hooks.on === undefined || hooks.on(s, {refreshing, login}) ? hooks : {};
        const idToken = sign(s, bad, bad.claims ? bad.claims(good, s) : good);
        s.tokens.push(idToken);
        const answer = {access_token: accessToken, token_type: 'Bearer', expires_in: 300, refresh_token: crypto.randomUUID(), id_token: idToken};
        return json(200, bad.token ? bad.token(answer, s) : answer);
    },

    userinfo: (s, hooks, {json}) => json(200, {sub: 'eve', email: 'eve@example.org', ...hooks.userinfo?.(s)}),

    end_session: (s, hooks, {url, redirect}) => redirect(302, hooks.endSession?.(s) ?? url.searchParams.get('post_logout_redirect_uri')),
};

function logoutToken(s, hooks, over) {
    const good = {iss: s.issuer, aud: config.client_id, iat: now(), exp: now() + 120, jti: crypto.randomUUID(), sub: 'eve', sid: s.login?.sid,
        events: {'http://schemas.openid.net/event/backchannel-logout': {}}, ...over};
    const logout = hooks.logout ?? {};
    return sign(s, logout, logout.claims ? logout.claims(good, s) : good, logout.typ ?? 'logout+jwt');
}

async function answer(request, response) {
    const url = new URL(request.url, origin);
    const json = (status, value) => {
        response.writeHead(status, {'content-type': 'application/json'}).end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    const redirect = (status, location) => response.writeHead(status, {location}).end();
    const [, first, ...rest] = url.pathname.split('/');
    const name = first === '_test' ? rest.at(-1) : first;
    if (!Object.hasOwn(cases, name)) return json(404, {error: 'no such case'});
    if (!states.has(name) || url.pathname === `/_test/reset/${name}`) states.set(name, stateOf(name));
    const s = states.get(name);
    const body = await read(request);
    if (first === '_test' && rest[0] !== 'logout-token') return json(200, {requests: s.requests, canary: canaryConnections, tokens: s.tokens});
    if (first === '_test') return json(200, {token: logoutToken(s, cases[name], JSON.parse(body))});

    const endpoint = rest.join('/');
    s.requests[endpoint] = (s.requests[endpoint] ?? 0) + 1;
    if (!Object.hasOwn(endpoints, endpoint)) return json(404, {error: 'not found'});
    const talk = {request, response, url, json, redirect, form: new URLSearchParams(body)};
    const raw = cases[name].raw?.[endpoint];
    return raw && (!cases[name].on || cases[name].on(s, {refreshing: talk.form.get('grant_type') === 'refresh_token'}))
        ? raw(s, talk) : endpoints[endpoint](s, cases[name], talk);
}

net.createServer((socket) => { canaryConnections += 1; socket.destroy(); }).listen(config.canary, config.host);
listen(http.createServer(answer), config);
