"""A Kubernetes API server for tests: lists in pages, watches, streaming lists, and every way to fail on demand.

    with FakeApiServer() as api:
        api.put(service("default", "web", "10.0.0.1"))
        ... a client of api.url lists and watches ...
        api.reply_next("services", "watch", status(429, headers={"Retry-After": "3"}))
        api.wait_watches("services")[0].reset()

It keeps objects and their history as the real one does: one resource version for all, watches resume from any that is
not compacted away, continue tokens belong to a snapshot. What a test wants to go wrong is said beforehand with
reply_next() (how the next matching request is answered: fake_replies.py), or done to an open watch (Watch).
Every request is kept in `requests`. Threads: one a connection; all public methods may be called from the test's.
"""

import base64
import collections
import json
import queue
import select
import socket
import struct
import threading
import time
import urllib.parse
import uuid

from fake_replies import status
from label_selectors import event_for, selects
from kube_objects import KINDS, RESOURCES, make_bookmark, make_status

Request = collections.namedtuple("Request", "at resource verb path query headers")


class Watch:
    """An open watch. What is sent goes out in order; the methods may be called at any time."""

    def __init__(self, server, request, connection):
        self.server, self.request, self.connection = server, request, connection
        self.queue = queue.Queue()
        self.resource = request.resource
        self.selector = request.query.get("labelSelector", "")
        self.stalled = False

    def event(self, kind, obj):
        self.raw(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    def happened(self, what, obj, old):
        """A change of an object, as far as this watch selects it."""
        found = event_for(self.selector, what, obj, old)
        if found:
            self.event(*found)

    def raw(self, data):
        if not self.stalled:
            self.queue.put(data)

    def error(self, code, reason="Expired", message="too old resource version"):
        self.event("ERROR", make_status(code, message, reason))

    def close(self):
        """Ends the answer as at its timeoutSeconds."""
        self.queue.put(None)

    def cut(self):
        """Closes the connection in the middle of the answer, after what was sent before."""
        self.queue.put("cut")

    def reset(self):
        """The same with a TCP reset."""
        self.queue.put("reset")

    def stall(self):
        """Keeps the connection open and sends nothing more."""
        self.stalled = True

    def run(self, timeout):
        end = time.monotonic() + timeout
        while True:
            try:
                data = self.queue.get(timeout=0.05)
            except queue.Empty:
                if select.select([self.connection.sock], [], [], 0)[0]:
                    return self.connection.close()  # the client has gone: it has nothing else to say
                if self.stalled or time.monotonic() < end:
                    continue
                data = None
            if data is None:
                return self.connection.end_chunks()
            if data == "cut":
                return self.connection.close()
            if data == "reset":
                return self.connection.reset()
            self.connection.chunk(data)


class Connection(threading.Thread):
    """One accepted connection, and the requests on it."""

    def __init__(self, server, sock):
        super().__init__(daemon=True)
        self.server, self.sock, self.open = server, sock, True

    def run(self):
        try:
            if self.server.tls:
                self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
            reader = self.sock.makefile("rb")
            while self.open:
                line = reader.readline(65536).decode("latin-1").split()
                if len(line) < 2:
                    break
                headers = {}
                while (header := reader.readline(65536).strip()) != b"":
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.strip().lower()] = value.strip()
                self.server.answer(self, line[1], headers)
        except (OSError, ValueError):
            pass
        self.close()

    def send(self, data):
        self.sock.sendall(data)

    def head(self, code, length=None, headers=()):
        text = f"HTTP/1.1 {code} Status\r\nContent-Type: application/json\r\n"
        text += "Transfer-Encoding: chunked\r\n" if length is None else f"Content-Length: {length}\r\n"
        self.send((text + "".join(f"{k}: {v}\r\n" for k, v in dict(headers).items()) + "\r\n").encode())

    def whole(self, code, body, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.head(code, len(body), headers)
        self.send(body)

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunks(self):
        self.send(b"0\r\n\r\n")

    def close(self):
        self.open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def reset(self):
        self.open = False
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket(fileno=self.sock.detach()).close()  # without TLS's goodbye


class FakeApiServer:
    def __init__(self, host="127.0.0.1", tls=None, streams=False, token=None, bookmark_every=None, gone="event"):
        """`tls`: an ssl.SSLContext. `streams`: offers streaming lists. `token`: the bearer token to ask for.
        `bookmark_every`: seconds between bookmarks. `gone`: a version too old is an ERROR "event" or HTTP "status"."""
        self.host, self.port, self.tls, self.streams = host, 0, tls, streams
        self.token, self.bookmark_every, self.gone = token, bookmark_every, gone
        self.ignore_limit = False  # lists come in one answer, as for resourceVersion=0
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.version, self.floor = 1, 0
        self.objects = {resource: {} for resource in KINDS}
        self.history = []  # (version, resource, type, object, the object before)
        self.snapshots = {}
        self.requests, self.open_watches, self.connections = [], [], set()
        self.scripted = []
        self.listener = None

    # ---- life ----

    def start(self):
        self.listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        if self.bookmark_every:
            threading.Thread(target=self._bookmarks, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """Refuses connections and resets those that are open. start() comes back on the same port."""
        listener, self.listener = self.listener, None
        if listener is None:
            return
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self.lock:
            connections = list(self.connections)
            self.open_watches.clear()
        for connection in connections:
            try:
                connection.reset()
            except OSError:
                pass

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            with self.lock:
                stopped = self.listener is not listener  # a connection that came just before nobody will reset
                self.connections = {c for c in self.connections if c.open} | {connection}
            if stopped:
                sock.close()
                return
            connection.start()

    def _bookmarks(self, listener):
        while self.listener is listener:
            time.sleep(self.bookmark_every)
            self.bookmark()

    # ---- objects ----

    def put(self, obj):
        """Adds or changes an object; gives it uid and resourceVersion. Returns the version."""
        resource = RESOURCES[obj["kind"]]
        with self.lock:
            key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            old = self.objects[resource].get(key)
            obj["metadata"].setdefault("uid", old["metadata"]["uid"] if old else str(uuid.uuid4()))
            return self._happen(resource, key, "MODIFIED" if old else "ADDED", obj)

    def delete(self, resource, namespace, name):
        with self.lock:
            obj = json.loads(json.dumps(self.objects[resource].pop((namespace, name))))
            return self._happen(resource, (namespace, name), "DELETED", obj)

    def _happen(self, resource, key, what, obj):
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        obj = json.loads(json.dumps(obj))
        old = obj if what == "DELETED" else self.objects[resource].get(key)
        if what != "DELETED":
            self.objects[resource][key] = obj
        self.history.append((self.version, resource, what, obj, old))
        for watch in self.open_watches:
            if watch.resource == resource:
                watch.happened(what, obj, old)
        return self.version

    def bookmark(self, resource=None):
        with self.lock:
            for watch in self.open_watches:
                if resource in (None, watch.resource):
                    watch.event("BOOKMARK", make_bookmark(watch.resource, self.version))

    def compact(self):
        """Forgets all history: watches from before and continue tokens are 410 from now on."""
        with self.lock:
            self.version += 1
            self.floor = self.version
            self.history.clear()
            self.expire_tokens()

    def expire_tokens(self):
        with self.lock:
            self.snapshots.clear()

    # ---- what a test says and sees ----

    def reply_next(self, resource, verb, reply, times=1):
        """The next `times` requests for that resource (None: any) and verb ("list", "watch", None: any) get `reply`, a
        function of (server, connection, request)."""
        with self.lock:
            self.scripted.append([resource, verb, reply, times])

    def forget_replies(self):
        with self.lock:
            self.scripted.clear()

    def watches(self, resource=None):
        with self.lock:
            return [w for w in self.open_watches if resource in (None, w.resource) and w.connection.open]

    def wait_watches(self, resource, count=1, timeout=10):
        with self.changed:
            self.changed.wait_for(lambda: len(self.watches(resource)) >= count, timeout)
            found = self.watches(resource)
        assert len(found) >= count, f"{len(found)} watches of {resource}, expected {count}"
        return found

    def asked(self, resource=None, verb=None):
        with self.lock:
            return [r for r in self.requests if resource in (None, r.resource) and verb in (None, r.verb)]

    # ---- answering ----

    def answer(self, connection, target, headers):
        target = target.removeprefix("http://")  # as a proxy is asked
        path, _, query_text = target[target.index("/"):].partition("?")
        query = dict(urllib.parse.parse_qsl(query_text, keep_blank_values=True))
        resource = next((r for r, (p, _, _) in KINDS.items() if p == path), None)
        verb = "watch" if query.get("watch") in ("1", "true") else "list"
        request = Request(time.monotonic(), resource, verb, path, query, headers)
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            reply = next((s for s in self.scripted if s[0] in (None, resource) and s[1] in (None, verb)), None)
            if reply:
                reply[3] -= 1
                if reply[3] == 0:
                    self.scripted.remove(reply)
        if reply:
            reply[2](self, connection, request)
        elif self.token and headers.get("authorization") != f"Bearer {self.token}":
            status(401, "Unauthorized")(self, connection, request)
        elif resource is None:
            status(404, "the server could not find the requested resource")(self, connection, request)
        elif verb == "list":
            self.answer_list(connection, request)
        else:
            self.answer_watch(connection, request)

    def selected(self, request):
        selector = request.query.get("labelSelector", "")
        return [o for o in self.objects[request.resource].values() if selects(selector, o["metadata"].get("labels") or {})]

    def list_page(self, request):
        """(code, body) of one page."""
        _, version, kind = KINDS[request.resource]
        limit = 0 if self.ignore_limit else int(request.query.get("limit", 0))
        with self.lock:
            if "continue" in request.query:
                token = json.loads(base64.b64decode(request.query["continue"]))
                items, at = self.snapshots.get(token["snapshot"]), token["from"]
                if items is None:
                    return 410, make_status(410, "The provided continue parameter is too old", "Expired")
                resource_version = token["version"]
            else:
                items, at, resource_version = self.selected(request), 0, self.version
                token = {"snapshot": str(uuid.uuid4()), "version": resource_version}
                self.snapshots[token["snapshot"]] = items
            page = items[at : at + limit] if limit else items[at:]
            meta = {"resourceVersion": str(resource_version)}
            if at + len(page) < len(items):
                token["from"] = at + len(page)
                meta["continue"] = base64.b64encode(json.dumps(token).encode()).decode()
                meta["remainingItemCount"] = len(items) - token["from"]
        return 200, {"kind": kind + "List", "apiVersion": version, "metadata": meta, "items": page}

    def answer_list(self, connection, request):
        code, body = self.list_page(request)
        connection.whole(code, body)

    def answer_watch(self, connection, request):
        wants_all = request.query.get("sendInitialEvents") == "true"
        if wants_all and not self.streams:
            message = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
            return status(422, message, "Invalid")(self, connection, request)
        watch = Watch(self, request, connection)
        with self.changed:
            since = int(request.query.get("resourceVersion") or 0)
            if not wants_all and since > self.version:
                message = f"Too large resource version: {since}, current: {self.version}"
                return status(504, message, "Timeout")(self, connection, request)
            if not wants_all and since < self.floor and self.gone == "status":
                message = f"too old resource version: {since} ({self.floor})"
                return status(410, message, "Expired")(self, connection, request)
            if wants_all:
                for obj in self.selected(request):
                    watch.event("ADDED", obj)
                watch.event("BOOKMARK", make_bookmark(request.resource, self.version, ends_initial=True))
            elif since < self.floor:
                watch.error(410, message=f"too old resource version: {since} ({self.floor})")
                watch.close()
            else:
                for version, resource, what, obj, old in self.history:
                    if resource == request.resource and version > since:
                        watch.happened(what, obj, old)
            self.open_watches.append(watch)
            self.changed.notify_all()
        try:
            connection.head(200)
            watch.run(float(request.query.get("timeoutSeconds", 1800)))
        finally:
            with self.lock:
                if watch in self.open_watches:
                    self.open_watches.remove(watch)
