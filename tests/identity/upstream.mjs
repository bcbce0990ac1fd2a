// upstream.mjs: the good OpenID Provider of the tests, npm oidc-provider with a login page.
//   node upstream.mjs '{"host","port","issuer"?,"log","ttl"?,"clients":[..]}'   prints "ready" when it listens.
// `clients` is metadata of oidc-provider; one with "key_file" gets an ES256 key, whose PEM is written there.
// `log` gets a JSON line a request, written before the answer is sent. For the tests alone:
//   POST /_test/ttl {"AccessToken":60,..}     seconds, for tokens from now on
//   POST /_test/fault {"path","times","status"?,"delay_ms"?}   answers with a status, or late
//   POST /_test/rotate {"keep":true}          new signing keys; `keep` publishes the old ones too
//   POST /_test/revoke                        every refresh token becomes invalid_grant
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

import Provider, {interactionPolicy} from 'oidc-provider';

import {escape, listen, read, say} from './serving.mjs';

const config = JSON.parse(process.argv[2]);
const issuer = config.issuer ?? `http://${config.host}:${config.port}`;
const mount = new URL(issuer).pathname.replace(/\/$/, '');

const users = {
    ada: {password: 'engine', claims: {name: 'Ada', email: 'ada@example.org', groups: ['platform'], roles: ['admin']}},
    bob: {password: 'builder', claims: {name: 'Bob', email: 'bob@example.org', groups: ['guests'], roles: ['viewer']}},
};

const ttl = {AccessToken: 300, IdToken: 300, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600, ...config.ttl};
const faults = [];
const grants = new Set();
const cookieKeys = [crypto.randomUUID()];

function clientMetadata({key_file: file, ...client}) {
    const common = {grant_types: ['authorization_code', 'refresh_token'], require_auth_time: true, default_acr_values: ['low']};
    if (!file) return {...common, ...client};
    const pair = crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'});
    fs.writeFileSync(file, pair.privateKey.export({format: 'pem', type: 'pkcs8'}), {mode: 0o600});
    const jwk = {...pair.publicKey.export({format: 'jwk'}), alg: 'ES256', use: 'sig'};
    return {...common, ...client, token_endpoint_auth_method: 'private_key_jwt', jwks: {keys: [jwk]}};
}
const clients = config.clients.map(clientMetadata);

function freshKeys() {
    const rsa = crypto.generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey;
    const ec = crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey;
    return [rsa, ec].map((key) => ({...key.export({format: 'jwk'}), use: 'sig'}));
}
let keys = freshKeys();

const asksForHigh = (params) => (params.acr_values ?? '').split(' ').includes('high');

function policy() {
    const base = interactionPolicy.base();
    const needed = ({oidc}) => asksForHigh(oidc.params) && oidc.session.acr !== 'high' && !oidc.result?.login;
    base.get('login').checks.add(new interactionPolicy.Check('acr', 'a stronger login is needed', needed));
    return base;
}

// Nobody is asked for consent: whoever logs in grants what the client wants.
async function grantAll({oidc}) {
    const known = oidc.result?.consent?.grantId || oidc.session.grantIdFor(oidc.client.clientId);
    if (known) return oidc.provider.Grant.find(known);
    const grant = new oidc.provider.Grant({clientId: oidc.client.clientId, accountId: oidc.session.accountId});
    grant.addOIDCScope('openid profile email offline_access');
    await grant.save();
    return grant;
}

function makeProvider() {
    const provider = new Provider(issuer, {
        clients, jwks: {keys}, cookies: {keys: cookieKeys}, acrValues: ['low', 'high'],
        claims: {openid: ['sub', 'groups', 'roles'], profile: ['name'], email: ['email']},
        conformIdTokenClaims: false,
        scopes: ['openid', 'offline_access', 'profile', 'email'],
        ttl: Object.fromEntries(Object.keys(ttl).map((name) => [name, () => ttl[name]])),
        features: {
            devInteractions: {enabled: false},
            introspection: {enabled: false},
            backchannelLogout: {enabled: true},
            rpInitiatedLogout: {logoutSource: (ctx, form) => {
                ctx.body = `${form}<button id="logout" form="op.logoutForm" name="logout" value="yes">Log out</button>`;
            }},
        },
        pkce: {required: () => true},
        interactions: {policy: policy(), url: (ctx, interaction) => `${mount}/interaction/${interaction.uid}`},
        findAccount: (ctx, id) => users[id] && {accountId: id, claims: () => ({sub: id, ...users[id].claims})},
        loadExistingGrant: grantAll,
        issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
        rotateRefreshToken: true,
        // The library's own keeps off loopback, where everything of the tests lives.
        fetch: (url, {dispatcher, ...options}) => fetch(url, options),
        renderError: (ctx, out) => { ctx.type = 'text'; ctx.body = JSON.stringify(out); },
    });
    provider.on('refresh_token.saved', (token) => grants.add(token.grantId));
    provider.on('server_error', (ctx, error) => say('server_error', error));
    provider.on('backchannel.error', (ctx, error) => say('backchannel.error', error));
    provider.use(async (ctx, next) => {
        await next();
        const {oidc} = ctx;
        note({method: ctx.method, path: ctx.path, query: ctx.query, route: oidc?.route, client: oidc?.client?.clientId,
              basic: /^basic /i.test(ctx.get('authorization')), params: {...oidc?.params}, status: ctx.status});
    });
    return provider;
}
let provider = makeProvider();
let handler = provider.callback();

function note(entry) {
    fs.appendFileSync(config.log, JSON.stringify({at: Date.now(), ...entry}) + '\n');
}

const loginPage = (details, message) => `<!DOCTYPE html><title>Log in</title>
<form method="post"><p id="message">${escape(message)}</p><p id="acr">${asksForHigh(details.params) ? 'high' : 'low'}</p>
<input name="user"><input name="password" type="password"><button id="login">Log in</button>
<button id="cancel" name="cancel" value="yes">Cancel</button></form>`;

async function interaction(request, response) {
    const details = await provider.interactionDetails(request, response);
    const page = (status, message) => response.writeHead(status, {'content-type': 'text/html'}).end(loginPage(details, message));
    if (request.method !== 'POST') return page(200, '');
    const form = new URLSearchParams(await read(request));
    if (form.get('cancel')) {
        return provider.interactionFinished(request, response, {error: 'access_denied', error_description: 'cancelled'});
    }
    const user = form.get('user');
    if (!Object.hasOwn(users, user) || users[user].password !== form.get('password')) return page(403, 'wrong user or password');
    const acr = asksForHigh(details.params) ? 'high' : 'low';
    return provider.interactionFinished(request, response, {login: {accountId: user, acr, amr: ['pwd']}});
}

const admin = {
    ttl: (change) => Object.assign(ttl, change),
    fault: (fault) => faults.push({times: 1, ...fault}),
    rotate({keep}) {
        keys = [...freshKeys(), ...(keep ? keys : [])];
        provider = makeProvider();
        handler = provider.callback();
    },
    revoke: () => Promise.all([...grants].map((grant) => provider.RefreshToken.revokeByGrantId(grant))),
};

async function answer(request, response) {
    if (request.url.startsWith('/_test/')) {
        await admin[request.url.slice(7)](JSON.parse(await read(request) || '{}'));
        return response.end('{}');
    }
    const {pathname} = new URL(request.url, issuer);
    const fault = faults.find((one) => one.times > 0 && one.path === pathname);
    if (fault) {
        fault.times -= 1;
        if (fault.delay_ms) await new Promise((done) => { setTimeout(done, fault.delay_ms); });
        if (fault.status) {
            note({method: request.method, path: pathname, status: fault.status, fault: true});
            return response.writeHead(fault.status, {'content-type': 'text/plain'}).end('not now');
        }
    }
    if (mount) {
        request.originalUrl = request.url;
        request.url = request.url.slice(mount.length) || '/';
    }
    return request.url.startsWith('/interaction/') ? interaction(request, response) : handler(request, response);
}

listen(http.createServer(answer), config);
