// rp.mjs: unmodified openid-client as a client of our server, by discovery; one command a run.
//   node rp.mjs '{"do","issuer","client_id","auth","secret"|"key_file","dpop"?,..}'
// prints {"value":..}, or {"error":{"code","error","status","message"}} and ends with 1.
import fs from 'node:fs';

import * as jose from 'jose';
import * as oidc from 'openid-client';

const command = JSON.parse(process.argv[2]);

const auths = {
    client_secret_basic: () => oidc.ClientSecretBasic(command.secret),
    client_secret_post: () => oidc.ClientSecretPost(command.secret),
    private_key_jwt: async () => oidc.PrivateKeyJwt(await jose.importPKCS8(fs.readFileSync(command.key_file, 'utf8'), 'ES256')),
    none: () => oidc.None(),
};

async function discover() {
    return oidc.discovery(new URL(command.issuer), command.client_id, undefined, await auths[command.auth ?? 'none'](),
        {execute: [oidc.allowInsecureRequests], algorithm: command.algorithm ?? 'oidc', timeout: command.timeout_s ?? 60});
}

const handle = async (config) => (command.dpop ? {DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))} : {});
const claims = (token) => ({header: jose.decodeProtectedHeader(token), claims: jose.decodeJwt(token)});

async function calls(config, token, options) {
    if (!command.resource) return {};
    const response = await oidc.fetchProtectedResource(config, token, new URL(command.resource), 'GET', undefined, undefined, options);
    return {resource_status: response.status};
}

const commands = {
    /// A key for private_key_jwt: writes the PEM, gives the public JWK.
    async key() {
        const {privateKey, publicKey} = await jose.generateKeyPair('ES256', {extractable: true});
        fs.writeFileSync(command.key_file, await jose.exportPKCS8(privateKey), {mode: 0o600});
        return {...await jose.exportJWK(publicKey), alg: 'ES256', use: 'sig', kid: 'client'};
    },
    async metadata() {
        return (await discover()).serverMetadata();
    },
    /// `parameters` as of RFC 6749 section 4.4; with `resource`, also calls that URL by the token.
    async client_credentials() {
        const config = await discover();
        const options = await handle(config);
        const tokens = await oidc.clientCredentialsGrant(config, command.parameters, options);
        return {...tokens, ...claims(tokens.access_token), ...await calls(config, tokens.access_token, options)};
    },
    async device_start() {
        return oidc.initiateDeviceAuthorization(await discover(), command.parameters ?? {});
    },
    /// Polls until somebody decides; `started` is what device_start gave.
    async device_poll() {
        const config = await discover();
        const options = await handle(config);
        const tokens = await oidc.pollDeviceAuthorizationGrant(config, command.started, undefined, options);
        return {...tokens, ...claims(tokens.access_token), ...await calls(config, tokens.access_token, options)};
    },
    async exchange() {
        const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
        const tokens = await oidc.genericGrantRequest(await discover(), grant, command.parameters);
        return {...tokens, ...claims(tokens.access_token)};
    },
    async introspect() {
        return oidc.tokenIntrospection(await discover(), command.token);
    },
    async revoke() {
        return await oidc.tokenRevocation(await discover(), command.token) ?? null;
    },
    /// By jose and the published keys, as a resource server does (RFC 9068 section 4).
    async verify() {
        const {issuer, jwks_uri: uri} = (await discover()).serverMetadata();
        const {payload, protectedHeader} = await jose.jwtVerify(command.token, jose.createRemoteJWKSet(new URL(uri)),
            {issuer, audience: command.audience, typ: 'at+jwt'});
        return {claims: payload, header: protectedHeader};
    },
};

try {
    console.log(JSON.stringify({value: await commands[command.do]()}));
} catch (error) {
    const of = (name) => error[name] ?? error.cause?.[name];
    console.log(JSON.stringify({error: {code: of('code'), error: of('error'), status: of('status'), message: error.message}}));
    process.exitCode = 1;
}
