// hostile_cases.mjs: what each case of the hostile provider does otherwise than a good one; hostile_cases.json tells what
// must come of it. A case is made of hooks, each given the state of hostile.mjs:
//   discovery, jwks, callback, claims, header, token, userinfo, endSession   change what is answered there
//   sign(header, claims, state)     makes the id_token in place of RS256 by the published key
//   raw: {endpoint: (state, talk)}  answers in place of the endpoint
//   on(state, {refreshing, login})  when claims, header, sign, token and raw apply; always, without it
//   logout: {claims, header, sign, typ}   the same for logout tokens
//   authorize(state)                is told of each login

const without = (name) => (claims) => { const {[name]: _, ...rest} = claims; return rest; };
const with_ = (more) => (claims, s) => ({...claims, ...(typeof more === 'function' ? more(s) : more)});
const secondLogin = (s, {refreshing}) => !refreshing && s.logins > 1;
const onRefresh = (s, {refreshing}) => refreshing;
const onStepup = (s, {login}) => login?.acr === 'high';

const header = (more) => (good, s) => ({...good, ...(typeof more === 'function' ? more(s) : more)});
const byOther = (more) => (good, claims, s) => s.jws(header(more)(good, s), claims, s.keys.other.privateKey);
const toCanary = (status) => (s, {redirect}) => redirect(status, `${s.canary}/taken`);
const page = '<!DOCTYPE html><title>Sorry</title><p>We are down.';
const html = (status) => (s, {response}) => response.writeHead(status, {'content-type': 'text/html'}).end(page);
const endless = (s, {response}) => {
    response.writeHead(200, {'content-type': 'application/json'}).write('{"access_token":"');
    const more = setInterval(() => response.write('x'.repeat(1 << 20)), 1);
    response.on('close', () => clearInterval(more));
};
const never = () => {};
const pem = (s) => s.keys.main.publicKey.export({format: 'pem', type: 'spki'});
const script = '"><script>alert(1)</script><img src=x onerror=alert(2)>';

export const cases = {
    good: {},

    // Who the issuer is
    'iss-wrong': {claims: with_((s) => ({iss: `${s.origin}/good`}))},
    'iss-missing': {claims: without('iss')},
    'iss-with-slash': {claims: with_((s) => ({iss: `${s.issuer}/`}))},
    'response-iss-wrong': {callback: (answer, s) => ({...answer, iss: `${s.origin}/good`})},
    'response-iss-missing': {callback: without('iss')},
    'discovery-issuer-mismatch': {discovery: (s) => ({issuer: `${s.origin}/good`})},
    'discovery-redirects': {raw: {'.well-known/openid-configuration': toCanary(302)}},
    'discovery-html': {raw: {'.well-known/openid-configuration': html(200)}},
    'discovery-endless': {raw: {'.well-known/openid-configuration': endless}},
    'jwks-elsewhere': {discovery: (s) => ({jwks_uri: `${s.canary}/jwks`})},
    'jwks-redirects': {raw: {jwks: toCanary(302)}},
    'jwks-html': {raw: {jwks: html(200)}},
    'jwks-empty': {jwks: () => ({keys: []})},
    'token-redirects': {raw: {token: toCanary(307)}},
    'par-redirects': {discovery: (s) => ({pushed_authorization_request_endpoint: `${s.issuer}/par`}), raw: {par: toCanary(307)}},
    'par-foreign-request-uri': {discovery: (s) => ({pushed_authorization_request_endpoint: `${s.issuer}/par`}),
        raw: {par: (s, {json}) => json(201, {request_uri: `${s.canary}/request&response_type=token#x`, expires_in: 60})}},

    // Whom the id_token is for
    'aud-wrong': {claims: with_({aud: 'another-client'})},
    'aud-missing': {claims: without('aud')},
    'aud-several-without-azp': {claims: with_((s) => ({aud: [s.client.client_id, 'another-client']}))},
    'azp-wrong': {claims: with_((s) => ({aud: [s.client.client_id, 'another-client'], azp: 'another-client'}))},
    'nonce-missing': {claims: without('nonce')},
    'nonce-other': {claims: with_({nonce: 'bm90IHRoZSBub25jZSB0aGF0IHdhcyBhc2tlZCBmb3I'})},
    'nonce-replayed': {on: secondLogin, claims: with_((s) => ({nonce: s.nonces[0]}))},
    'id-token-replayed': {on: secondLogin, sign: (good, claims, s) => s.tokens[0]},
    'sub-missing': {claims: without('sub')},
    'sub-empty': {claims: with_({sub: ''})},
    'sub-number': {claims: with_({sub: 7})},
    'sub-changed-in-userinfo': {userinfo: () => ({sub: 'mallory'})},
    'sub-changed-in-refresh': {on: onRefresh, claims: with_({sub: 'mallory'})},
    'iss-changed-in-refresh': {on: onRefresh, claims: with_((s) => ({iss: `${s.origin}/good`}))},
    'other-key-in-refresh': {on: onRefresh, sign: byOther({})},

    // When
    'expired': {claims: with_((s) => ({iat: s.now() - 7200, exp: s.now() - 3600}))},
    'exp-missing': {claims: without('exp')},
    'exp-text': {claims: with_({exp: '9999999999'})},
    'iat-missing': {claims: without('iat')},
    'iat-future': {claims: with_((s) => ({iat: s.now() + 3600, exp: s.now() + 7200}))},
    'nbf-future': {claims: with_((s) => ({nbf: s.now() + 3600}))},

    // Who signed it
    'alg-none': {sign: (good, claims, s) => s.jws({alg: 'none'}, claims, null)},
    'hs256-client-secret': {sign: (good, claims, s) => s.jws({alg: 'HS256'}, claims, s.client.client_secret)},
    'hs256-public-key': {sign: (good, claims, s) => s.jws({alg: 'HS256', kid: good.kid}, claims, pem(s))},
    'other-key': {sign: byOther({})},
    'kid-unknown': {sign: byOther({kid: 'other'})},
    'kid-path': {sign: byOther({kid: '../../../../../../dev/null'})},
    'header-jku': {sign: byOther((s) => ({jku: `${s.canary}/jwks`, kid: 'other'}))},
    'header-x5u': {sign: byOther((s) => ({x5u: `${s.canary}/certificate`, kid: 'other'}))},
    'header-jwk': {sign: byOther((s) => ({jwk: s.jwk('other')}))},
    'header-crit': {header: header({crit: ['exp'], exp: 1})},
    'signature-empty': {sign: (good, claims, s) => s.jws(good, claims, null)},
    'claims-duplicate': {sign: (good, claims, s) => s.jws(good, JSON.stringify(claims).replace('{', '{"sub":"mallory",'), s.keys.main.privateKey)},
    'keys-rotated': {authorize: (s) => { if (s.logins > 1) s.signer = 'next'; }},
    'keys-mixed': {jwks: (s) => ({keys: [s.jwk('other', {use: 'enc', alg: 'RSA-OAEP', kid: 'main-enc'}), {kty: 'XYZ', kid: 'new'}, s.jwk('main')]})},
    'keys-private': {jwks: (s) => ({keys: [{...s.keys.main.privateKey.export({format: 'jwk'}), kid: 'main', use: 'sig', alg: 'RS256'}]})},
    'keys-symmetric': {jwks: (s) => ({keys: [{kty: 'oct', k: s.b64('k'.repeat(32)), kid: 'main', alg: 'HS256'}]}),
        sign: (good, claims, s) => s.jws({alg: 'HS256', kid: 'main'}, claims, 'k'.repeat(32))},
    'at-hash-wrong': {claims: with_({at_hash: 'AAAAAAAAAAAAAAAAAAAAAA'})},

    // What the token endpoint answers
    'id-token-missing': {token: without('id_token')},
    'id-token-twice': {token: (answer, s) => JSON.stringify(answer).replace('{', `{"id_token":"${s.jws({alg: 'none'}, {sub: 'mallory'}, null)}",`)},
    'id-token-huge': {claims: with_({padding: 'x'.repeat(1 << 20)})},
    'token-never': {raw: {token: never}},
    'token-truncated': {raw: {token: (s, {response}) => {
        response.writeHead(200, {'content-type': 'application/json', 'content-length': 4000}).write('{"access_token":"abc","token_type":"Bearer"');
        setTimeout(() => response.destroy(), 50);
    }}},
    'token-endless': {raw: {token: endless}},
    'token-html': {raw: {token: html(200)}},
    'token-200-error': {raw: {token: (s, {json}) => json(200, {error: 'invalid_grant', error_description: script})}},
    'token-error-html': {raw: {token: (s, {json}) => json(400, {error: 'invalid_request', error_description: script,
        error_uri: 'javascript:alert(3)'})}},
    'response-error-html': {callback: ({state, iss}) => ({state, iss, error: 'access_denied', error_description: script,
        error_uri: 'javascript:alert(3)'})},
    'response-state-other': {callback: (answer) => ({...answer, state: 'c3RhdGUtdGhhdC1ub2JvZHktYXNrZWQtZm9y'})},
    'response-state-missing': {callback: without('state')},
    'response-state-twice': {raw: {authorize: (s, {url, redirect}) => {
        const state = encodeURIComponent(url.searchParams.get('state'));
        redirect(302, `${url.searchParams.get('redirect_uri')}?code=a&state=${state}&state=${state}&iss=${encodeURIComponent(s.issuer)}`);
    }}},

    // Refresh
    'refresh-invalid-grant': {on: onRefresh, raw: {token: (s, {json}) => json(400, {error: 'invalid_grant'})}},
    'refresh-unavailable': {on: onRefresh, raw: {token: html(503)}},
    'refresh-html': {on: onRefresh, raw: {token: html(200)}},
    'refresh-html-400': {on: onRefresh, raw: {token: html(400)}},
    'refresh-invalid-client': {on: onRefresh, raw: {token: (s, {json}) => json(401, {error: 'invalid_client'})}},

    // Step-up
    'acr-lower': {on: onStepup, claims: with_({acr: 'low'})},
    'acr-missing': {on: onStepup, claims: without('acr')},
    'auth-time-old': {on: onStepup, claims: with_((s) => ({auth_time: s.now() - 3600}))},
    'auth-time-missing': {on: onStepup, claims: without('auth_time')},
    'auth-time-future': {on: onStepup, claims: with_((s) => ({auth_time: s.now() + 86400}))},
    'stepup-other-user': {on: onStepup, claims: with_({sub: 'mallory'})},

    // Logout
    'end-session-elsewhere': {endSession: (s) => `${s.canary}/elsewhere`},
    'logout-good': {},
    'logout-by-sub': {logout: {claims: without('sid')}},
    'logout-other-session': {logout: {claims: with_({sid: 'another-session'})}},
    'logout-no-events': {logout: {claims: without('events')}},
    'logout-wrong-event': {logout: {claims: with_({events: {'http://schemas.openid.net/event/other': {}}})}},
    'logout-nonce': {logout: {claims: with_({nonce: 'n'})}},
    'logout-aud-wrong': {logout: {claims: with_({aud: 'another-client'})}},
    'logout-iss-other': {logout: {claims: with_((s) => ({iss: `${s.origin}/good`}))}},
    'logout-expired': {logout: {claims: with_((s) => ({iat: s.now() - 7200, exp: s.now() - 3600}))}},
    'logout-exp-missing': {logout: {claims: without('exp')}},
    'logout-jti-missing': {logout: {claims: without('jti')}},
    'logout-nobody': {logout: {claims: (claims) => without('sub')(without('sid')(claims))}},
    'logout-other-key': {logout: {sign: byOther({})}},
    'logout-alg-none': {logout: {sign: (good, claims, s) => s.jws({alg: 'none', typ: 'logout+jwt'}, claims, null)}},
    'logout-typ-other': {logout: {typ: 'at+jwt'}},
    'logout-id-token': {logout: {sign: (good, claims, s) => s.tokens.at(-1)}},
    'logout-replayed': {},
};
