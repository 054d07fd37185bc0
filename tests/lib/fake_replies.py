"""What a scripted request to a FakeApiServer gets: functions of (server, connection, request), for reply_next()."""

import json

from kube_objects import make_status


def status(code, message="", reason="", headers=()):
    return lambda server, connection, request: connection.whole(code, make_status(code, message, reason), headers)


def raw_body(body, code=200):
    """This body and nothing else, with its length."""
    return lambda server, connection, request: connection.whole(code, body)


def half_list(fraction=0.5):
    """The first part of the page that was asked for, then the connection is closed."""

    def reply(server, connection, request):
        _, body = server.list_page(request)
        data = json.dumps(body).encode()
        connection.head(200, len(data))
        connection.send(data[: int(len(data) * fraction)])
        connection.close()

    return reply


def drop(server, connection, request):
    """Closes the connection without a word."""
    connection.close()


def reset(server, connection, request):
    connection.reset()


def silence(server, connection, request):
    """Never answers; the connection stays open until the client or stop() ends it."""
    try:
        while connection.sock.recv(4096):
            pass
    except OSError:
        pass
    connection.close()


def accept_then_silence(server, connection, request):
    """Says 200 and nothing more."""
    connection.head(200)
    silence(server, connection, request)
