"""A user agent without a screen: keeps cookies as a browser does, follows redirects, remembers the way.

For the many cases in which nothing is rendered and no script runs; the rest is Chromium's."""

import http.client
import http.cookies
import json
import urllib.parse

from server import PATIENCE

REDIRECTS = (301, 302, 303, 307, 308)


class Answer:
    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.body = url, status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode(errors="replace")

    @property
    def location(self):
        return urllib.parse.urljoin(self.url, self.headers["Location"]) if self.status in REDIRECTS else None

    def __repr__(self):
        return f"<{self.status} {self.url} {self.body[:600]!r}>"


class Visitor:
    def __init__(self):
        self.cookies = {}  # (host, path, name) -> value; a port makes no other cookie (RFC 6265 section 8.5)
        self.way = []      # every URL that was asked

    def _cookies_for(self, host, path):
        """As RFC 6265 sections 5.1.4 and 5.4 say."""
        fit = [(where, name, value) for (owner, where, name), value in self.cookies.items()
               if owner == host and (path == where or path.startswith(where if where.endswith("/") else where + "/"))]
        return "; ".join(f"{name}={value}" for _, name, value in sorted(fit, key=lambda one: -len(one[0])))

    def _keep_cookies(self, host, path, headers):
        for field in headers.get_all("Set-Cookie") or ():
            for name, morsel in http.cookies.SimpleCookie(field).items():
                if morsel["secure"]:
                    continue  # this visitor speaks plain http
                where = morsel["path"] or path.rsplit("/", 1)[0] or "/"
                if morsel.value == "" or morsel["max-age"] == "0":
                    self.cookies.pop((host, where, name), None)
                else:
                    self.cookies[host, where, name] = morsel.value

    def cookie(self, name):
        return next((value for (_, _, known), value in self.cookies.items() if known == name), None)

    def request(self, method, url, headers=None, body=None):
        """One request, no redirect followed."""
        parts = urllib.parse.urlsplit(url)
        fields = dict(headers or {})
        path = parts.path or "/"
        if cookies := self._cookies_for(parts.hostname, path):
            fields["Cookie"] = cookies
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body)
            fields.setdefault("Content-Type", "application/x-www-form-urlencoded")
        self.way.append(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        try:
            connection.request(method, urllib.parse.urlunsplit(("", "", path, parts.query, "")), body, fields)
            response = connection.getresponse()
            self._keep_cookies(parts.hostname, path, response.headers)
            return Answer(url, response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, url, headers=None):
        return self.request("GET", url, headers)

    def open(self, url, until=None):
        """Follows redirects to the end, or until the next place's URL starts with `until`."""
        for _ in range(20):
            answer = self.get(url)
            if answer.location is None or (until and answer.location.startswith(until)):
                return answer
            url = answer.location
        raise AssertionError(f"no end of redirects: {self.way}")
