"""upstream.Upstream that speaks DNS over HTTPS (RFC 8484, HTTP/2 by python3-h2) at its tls_port in place of DNS over TLS.

    with DohUpstream(tls=pki.server_context("DNS:dns.example")) as up:
        up.status, up.content_type = 500, "text/html"   # what it says from now on
        up.requests                                     # [{":method": "POST", ...}], one for each question
        up.goaway_after = 3                             # each connection takes three questions
        up.stalling = True                              # connections begun from now on take none, but show signs of life
"""

import base64
import contextlib
import socket
import struct
import threading
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.settings
from upstream import Upstream


class DohUpstream(Upstream):
    def __init__(self, tls, **more):
        tls.set_alpn_protocols(["h2"])
        super().__init__(tls=tls, **more)
        self.requests, self.status, self.content_type = [], 200, "application/dns-message"
        self.goaway_after = None
        self.stalling = False
        self.oversize = 0  # octets that stand behind each message

    @staticmethod
    def _question(headers, body):
        if headers[":method"] == "POST":
            return body
        text = urllib.parse.parse_qs(urllib.parse.urlsplit(headers[":path"]).query)["dns"][0]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def _serve_tls(self, connection):
        with contextlib.suppress(OSError):
            connection = self.tls.wrap_socket(connection, server_side=True)
            self.handshakes.append(connection.session_reused)
            with connection:
                Session(self, connection).run()


class Session:
    def __init__(self, up, connection):
        self.up, self.connection, self.lock = up, connection, threading.Lock()
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.streams, self.asked, self.pending = {}, 0, {}

    def flush(self):
        self.connection.sendall(self.http.data_to_send())

    def run(self):
        with self.lock:
            self.http.initiate_connection()
            if self.up.stalling:
                self.http.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 0})
                threading.Thread(target=self.ping, daemon=True).start()
            self.flush()
        while True:
            data = self.connection.recv(65536)
            if not data:
                return
            with self.lock:
                events = self.http.receive_data(data)
                done = [stream for event in events for stream in self.take(event)]
                self.flush()
            for headers, body, stream in done:
                self.ask(headers, body, stream)

    def ping(self):
        with contextlib.suppress(OSError):
            while True:
                with self.lock:
                    self.http.ping(b"alive...")
                    self.flush()
                time.sleep(0.02)

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = ({k.decode(): v.decode() for k, v in event.headers}, bytearray())
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id][1].extend(event.data)
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.WindowUpdated):
            for stream in list(self.pending):
                self.send_body(stream)
        elif isinstance(event, h2.events.StreamEnded):
            headers, body = self.streams.pop(event.stream_id)
            yield headers, bytes(body), event.stream_id

    def ask(self, headers, body, stream):
        self.asked += 1
        if self.up.stalling or (self.up.goaway_after is not None and self.asked > self.up.goaway_after):
            return
        self.up.requests.append(headers)
        last = self.asked == self.up.goaway_after
        send = lambda data: self.answer(stream, data, last)  # noqa: E731
        send.connection = self
        self.up._take(self.up._question(headers, body), "doh", send)

    # What upstream.Upstream does to a TCP connection in place of an answer.
    def sendall(self, data):
        with self.lock:
            self.connection.sendall(data)

    def setsockopt(self, *_):
        pass

    def shutdown(self, how):
        self.connection.shutdown(how)

    def answer(self, stream, data, last=False):
        with self.lock, contextlib.suppress(h2.exceptions.ProtocolError, OSError):
            headers = [(":status", str(self.up.status)), ("content-type", self.up.content_type)]
            self.http.send_headers(stream, headers)
            self.pending[stream] = data + b"\0" * self.up.oversize
            self.send_body(stream)
            if last:
                # h2 ends the connection with it; the frame by hand leaves what is under way alone.
                self.connection.sendall(struct.pack("!LBLLL", 8 << 8 | 7, 0, 0, stream, 0))
            self.flush()

    def send_body(self, stream):
        room = min(self.http.local_flow_control_window(stream), 1 << 20)
        data, self.pending[stream] = self.pending[stream][:room], self.pending[stream][room:]
        end = not self.pending[stream]
        size = self.http.max_outbound_frame_size
        for at in range(0, max(len(data), 1), size):
            piece = data[at : at + size]
            self.http.send_data(stream, piece, end_stream=end and at + size >= len(data))
        if end:
            del self.pending[stream]
        self.flush()
