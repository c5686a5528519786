"""A client of the Convor protocol that shares no code with the server.

It is written from docs/protocol.md alone, reads the line that the reference server announces itself with from its
standard input, and checks what the page promises. Each line that it prints is a promise that was kept; it ends with an
error at the first that was not.
"""

import contextlib
import json
import socket
import sys
import urllib.error
import urllib.request
import uuid

import websockets
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE_S = 20
WRONG_EPOCH = 4_000_000_000


def kept(promise, so=True, seen=None):
    """Says that a promise was kept, or ends."""
    if not so:
        sys.exit(f"broken: {promise}; seen: {seen}")
    print(f"kept: {promise}")


class Ids:
    """Ids for requests. They only have to differ, so chance is not needed."""

    def __init__(self):
        self.last = 0

    def __call__(self):
        self.last += 1
        return str(uuid.UUID(int=self.last, version=4))


new_id = Ids()


class Api:
    """HTTP with JSON."""

    def __init__(self, endpoint, token=None):
        self.endpoint = endpoint
        self.token = token

    def ask(self, method, path, body=None, **headers):
        """Returns status, headers and body, whatever the status is."""
        request = urllib.request.Request(self.endpoint + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            answer = urllib.request.urlopen(request, timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            answer = error
        content = answer.read()
        return answer.status, answer.headers, json.loads(content) if content else None


# What is still open at the end is closed then.
sockets = contextlib.ExitStack()


class Socket:
    """A WebSocket after its hello."""

    def __init__(self, api, resume=None):
        url = api.endpoint.replace("http", "ws", 1) + "/v1/socket"
        self.ws = sockets.enter_context(connect(url, subprotocols=["convor.v1"], proxy=None))
        # What was passed over in search of something else.
        self.seen = []
        hello = {"type": "hello", "token": api.token}
        if resume is not None:
            hello["resume"] = resume
        self.say(hello)
        self.welcome = self.until("welcome")

    def say(self, frame):
        self.ws.send(json.dumps(frame))

    def next(self):
        return json.loads(self.ws.recv(timeout=PATIENCE_S))

    def until(self, kind, /, **wanted):
        """The next frame of this type with these values."""
        while True:
            frame = self.next()
            if frame["type"] == kind and all(frame.get(key) == value for key, value in wanted.items()):
                return frame
            self.seen.append(frame)

    def settle(self):
        """All that has come, up to an answer that is asked for now; frames of a socket are handled in their order."""
        ref = new_id()
        self.say({"type": "no such type", "ref": ref})
        self.until("error", ref=ref)
        seen, self.seen = self.seen, []
        return seen

    def cut(self):
        """Goes without a word, as a network does."""
        self.ws.socket.shutdown(socket.SHUT_RDWR)

    def end(self):
        """The code with which the server closes."""
        try:
            while True:
                self.seen.append(self.next())
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def events(frames):
    return [frame for frame in frames if frame["type"] == "event"]


def seqs(frames):
    return [event["seq"] for event in events(frames)]


def main():
    announced = json.load(sys.stdin)
    tenant = announced["tenants"][0]
    endpoint = f"http://{announced['listen']}/chat"
    visitor = become_visitor(endpoint, tenant)
    operator = sign_in(endpoint, tenant)
    conversation = open_conversation(visitor)
    talk(visitor, operator, conversation)
    note(visitor, operator, conversation)
    resume(visitor, operator, conversation)
    reset(visitor, operator, conversation)
    page(visitor, operator, conversation)
    change(visitor, operator, conversation)
    mistakes(visitor)
    sign_out(operator)
    print(f"websockets {websockets.__version__}")


def become_visitor(endpoint, tenant):
    status, _, site = Api(endpoint).ask("GET", f"/v1/site?site={tenant['site_key']}")
    whole = {"name", "title", "greeting", "color", "online"}
    kept("a site is what a widget needs", status == 200 and set(site) >= whole, site)
    status, headers, made = Api(endpoint).ask("POST", "/v1/visitors", {"site": tenant["site_key"]})
    kept("a visitor is made", status == 201 and made["token"].startswith("cvv_"), made)
    kept("every answer carries x-request-id", headers["x-request-id"])
    visitor = Api(endpoint, made["token"])
    status, _, again = visitor.ask("GET", "/v1/visitor")
    kept("the token says who it is", status == 200 and again["visitor"] == made["visitor"], again)
    status, _, named = visitor.ask("PATCH", "/v1/visitor", {"name": "Iris", "email": "iris@example.org"})
    kept("a visitor may have a name", status == 200 and named["visitor"]["name"] == "Iris", named)
    _, _, cleared = visitor.ask("PATCH", "/v1/visitor", {"email": None})
    now = (cleared["visitor"]["name"], cleared["visitor"]["email"])
    kept("an absent key leaves, null clears", now == ("Iris", None), now)
    return visitor


def sign_in(endpoint, tenant):
    somebody = tenant["operators"][0]
    credentials = {"tenant": tenant["tenant_key"], "email": somebody["email"], "password": somebody["password"]}
    status, _, wrong = Api(endpoint).ask("POST", "/v1/sessions", {**credentials, "password": "not this one"})
    kept("a wrong password is refused", status == 401 and wrong["code"] == "unauthenticated", wrong)
    status, _, session = Api(endpoint).ask("POST", "/v1/sessions", credentials)
    kept("an operator signs in as a bearer", status == 201 and session["token"].startswith("cvs_"), status)
    operator = Api(endpoint, session["token"])
    status, headers, current = operator.ask("GET", "/v1/sessions/current")
    kept("the session says who it is", status == 200 and current["operator"]["email"] == somebody["email"], current)
    limits = all(headers[f"RateLimit-{name}"] for name in ["Limit", "Remaining", "Reset"])
    kept("an answer to a principal says what is left", limits, headers)
    return operator


def open_conversation(visitor):
    opening = {"client_id": new_id(), "subject": "A saddle", "first_message": {"client_id": new_id(), "text": "Hello?"}}
    status, _, opened = visitor.ask("POST", "/v1/conversations", opening)
    conversation = opened["conversation"]
    kept("a conversation is opened with its first message", status == 201 and opened["message"]["seq"] == 1, opened)
    staff_only = {"site", "visitor", "assignee", "tags", "snoozed_until", "version"} & set(conversation)
    kept("a visitor's copy has no trace of what is for staff", not staff_only, staff_only)
    status, _, again = visitor.ask("POST", "/v1/conversations", opening)
    same = again["conversation"]["id"] == conversation["id"] and again["message"]["message_id"] == opened["message"]["message_id"]
    kept("the same request finds it again", status == 200 and same and again["message"]["duplicate"], again)
    status, _, other = visitor.ask("POST", "/v1/conversations", {**opening, "subject": "Another"})
    kept("the same client_id with another body is a conflict", status == 409 and other["code"] == "conflict", other)
    return conversation["id"]


def talk(visitor, operator, conversation):
    hers = Socket(visitor)
    kept("a visitor is welcomed by name", hers.welcome["principal"]["name"] == "Iris", hers.welcome)
    kept("the subprotocol is agreed upon", hers.ws.subprotocol == "convor.v1", hers.ws.subprotocol)
    theirs = Socket(operator)
    kept("an operator is welcomed with a role", theirs.welcome["principal"]["role"] == "owner", theirs.welcome)
    hers.until("presence", online=True)
    kept("a visitor hears that somebody is there")

    theirs.say({"type": "subscribe", "ref": "a", "conversation": conversation, "after": 0})
    subscribed = theirs.until("subscribed", ref="a")
    kept("subscribed says where the log stands", (subscribed["seq"], subscribed["epoch"]) == (1, 1), subscribed)
    first = theirs.until("event", seq=1)
    kept("then comes what follows `after`", first["message"]["text"] == "Hello?" and first["message"]["author"]["id"], first)

    message = {"type": "send", "ref": "b", "conversation": conversation, "client_id": new_id(), "text": "Good morning!"}
    theirs.say(message)
    heard = hers.until("event", seq=2)
    kept("the other side hears it", heard["message"]["text"] == message["text"], heard)
    kept("a visitor learns a name and no id", set(heard["message"]["author"]) == {"kind", "name"}, heard)
    theirs.say({**message, "ref": "c"})
    answers = {"b": None, "c": None}
    seen = theirs.settle()
    for frame in seen:
        if frame["type"] == "ack":
            answers[frame["ref"]] = frame
    ack, again = answers.values()
    kept("a message is acknowledged", ack and ack["seq"] == 2 and not ack["duplicate"], ack)
    same = again and all(again[key] == ack[key] for key in ["message_id", "seq", "at", "client_id"])
    kept("a duplicate gets the first answer", same and again["duplicate"], again)
    kept("the sender's own event comes once, in its place", seqs(seen) == [2], seen)
    theirs.say({**message, "ref": "d", "text": "Something else"})
    error = theirs.until("error", ref="d")
    kept("the same client_id with another body is a conflict over the socket, too", error["code"] == "conflict", error)
    kept("nobody else hears of either", seqs(hers.settle()) == [])

    theirs.say({"type": "typing", "conversation": conversation, "active": True})
    typing = hers.until("typing")
    kept("typing is heard", typing["active"] and typing["kind"] == "message", typing)
    hers.say({"type": "read", "conversation": conversation, "seq": 2})
    read = theirs.until("read", conversation=conversation)
    kept("reading is heard", read["seq"] == 2 and read["author"]["kind"] == "visitor", read)
    theirs.say({"type": "subscribe", "ref": "i", "inbox": True})
    theirs.until("subscribed", ref="i", inbox=True)
    hers.say({"type": "page", "url": "https://example.org/saddles?mail=iris@example.org#top", "title": "Saddles"})
    page = theirs.until("page")["page"]
    kept("a page is kept without query and fragment", page["url"] == "https://example.org/saddles", page)
    hers.ws.close()
    gone = theirs.until("presence", online=False)
    kept("somebody who goes is seen to go", gone["author"]["kind"] == "visitor", gone)
    theirs.ws.close()


def note(visitor, operator, conversation):
    hers, theirs = Socket(visitor), Socket(operator)
    theirs.say({"type": "subscribe", "ref": "a", "inbox": True})
    theirs.until("subscribed", ref="a", inbox=True)
    send = {"type": "send", "conversation": conversation}
    theirs.say({**send, "ref": "b", "client_id": new_id(), "text": "A regular.", "kind": "note"})
    theirs.say({**send, "ref": "c", "client_id": new_id(), "text": "What is it about?"})
    theirs.until("ack", ref="c")
    hers.until("event", seq=3)
    kept("a note leaves no hole in what a visitor counts", seqs(hers.settle()) == [])
    theirs.settle()
    _, _, page = operator.ask("GET", f"/v1/conversations/{conversation}/events?after=2")
    kinds = [(event["seq"], event["message"]["kind"]) for event in page["data"]]
    kept("an operator counts it", kinds == [(3, "note"), (4, "message")], kinds)
    hers.say({**send, "ref": "n", "client_id": new_id(), "text": "Mine", "kind": "note"})
    error = hers.until("error", ref="n")
    kept("notes are the operators'", error["code"] == "forbidden", error)
    hers.ws.close()
    theirs.ws.close()


def resume(visitor, operator, conversation):
    hers, theirs = Socket(visitor), Socket(operator)
    theirs.say({"type": "subscribe", "ref": "a", "conversation": conversation})
    theirs.until("subscribed", ref="a")
    hers.cut()
    theirs.cut()
    messages = f"/v1/conversations/{conversation}/messages"
    for text, kind in [("one", "message"), ("aside", "note"), ("two", "message")]:
        status, _, posted = operator.ask("POST", messages, {"client_id": new_id(), "text": text, "kind": kind})
        kept(f"what happens during the cut is stored at {posted['message']['seq']}", status == 201, posted)
    hers = Socket(visitor, [{"conversation": conversation, "epoch": 1, "after": 3}])
    seen = hers.settle()
    texts = [event["message"]["text"] for event in events(seen)]
    kept("a visitor who resumes gets exactly what is missing", (seqs(seen), texts) == ([4, 5], ["one", "two"]), seen)
    theirs = Socket(operator, [{"conversation": conversation, "epoch": 1, "after": 4}])
    kept("an operator who resumes gets exactly what is missing", seqs(theirs.settle()) == [5, 6, 7])
    operator.ask("POST", messages, {"client_id": new_id(), "text": "three"})
    hers.until("event", seq=6)
    theirs.until("event", seq=8)
    kept("and hears what happens from then on")
    hers.ws.close()
    theirs.ws.close()


def reset(visitor, operator, conversation):
    for wrong in [{"epoch": WRONG_EPOCH, "after": 3}, {"epoch": 1, "after": 999}]:
        hers = Socket(visitor, [{"conversation": conversation, **wrong}])
        answer = hers.until("reset", conversation=conversation)
        kept(f"what is no prefix of the truth is reset: {wrong}", (answer["seq"], answer["epoch"]) == (6, 1), answer)
        kept("and nothing else is brought", seqs(hers.settle()) == [])
        hers.ws.close()
    theirs = Socket(operator, [{"conversation": conversation, "epoch": WRONG_EPOCH, "after": 3}])
    answer = theirs.until("reset", conversation=conversation)
    theirs.say({"type": "send", "ref": "a", "conversation": conversation, "client_id": new_id(), "text": "four"})
    event = theirs.until("event")
    kept("events above the reset follow", event["seq"] == answer["seq"] + 1, event)
    theirs.ws.close()


def page(visitor, operator, conversation):
    path = f"/v1/conversations/{conversation}/events"
    _, _, newest = visitor.ask("GET", f"{path}?limit=2")
    kept("the newest page ends the log", [event["seq"] for event in newest["data"]] == [6, 7], newest)
    _, _, before = visitor.ask("GET", f"{path}?before=6&limit=2")
    kept("before gives the last below", [event["seq"] for event in before["data"]] == [4, 5], before)
    _, _, after = visitor.ask("GET", f"{path}?after=2&limit=2")
    kept("after gives the first above", [event["seq"] for event in after["data"]] == [3, 4], after)
    whole = all((answer["seq"], answer["epoch"], answer["floor"]) == (7, 1, 0) for answer in [newest, before, after])
    kept("every page says where the log stands", whole)
    _, _, both = operator.ask("GET", path)
    kept("an operator sees what a visitor sees, and more", len(both["data"]) == 9, both)
    for title in ["Second", "Third"]:
        visitor.ask("POST", "/v1/conversations", {"client_id": new_id(), "subject": title})
    found, cursor = [], ""
    while cursor is not None:
        _, _, some = visitor.ask("GET", f"/v1/conversations?limit=1{cursor and '&cursor='}{cursor}")
        found += [one["subject"] for one in some["data"]]
        cursor = some["next_cursor"]
    kept("a list is paged, the latest change first", found == ["Third", "Second", "A saddle"], found)


def change(visitor, operator, conversation):
    path = f"/v1/conversations/{conversation}"
    status, _, error = operator.ask("PATCH", path, {"status": "closed"})
    kept("a change without If-Match is refused", status == 428 and error["code"] == "precondition_required", error)
    _, headers, _ = operator.ask("GET", path)
    etag = headers["etag"]
    hers = Socket(visitor)
    status, headers, changed = operator.ask("PATCH", path, {"status": "closed", "tags": ["saddles"]}, if_match=etag)
    closed = changed["conversation"]["status"] == "closed" and headers["etag"] != etag
    kept("a conversation is closed and tagged", status == 200 and closed, changed)
    event = hers.until("event", kind="status")
    kept("its visitor hears that it is closed", event["status"] == "closed", event)
    kept("and not how it is filed", seqs(hers.settle()) == [])
    status, _, error = operator.ask("PATCH", path, {"status": "open"}, if_match=etag)
    kept("an older state is no ground to change from", status == 412 and error["code"] == "precondition_failed", error)
    hers.ws.close()


def mistakes(visitor):
    hers = Socket(visitor)
    nowhere = new_id()
    for frame, code in [
        ({"type": "subscribe", "ref": "a", "inbox": True}, "forbidden"),
        ({"type": "send", "ref": "a", "conversation": nowhere, "client_id": nowhere, "text": "x"}, "not_found"),
        ({"type": "send", "ref": "a", "conversation": nowhere, "client_id": nowhere, "text": "x", "by": "me"}, "invalid_request"),
        ({"type": "send", "ref": "a", "conversation": 7}, "invalid_request"),
    ]:
        hers.say(frame)
        error = hers.until("error", ref="a")
        kept(f"a mistake is {code}, and the socket stays", error["code"] == code, error)
    hers.ws.send(b"binary")
    kept("a binary frame is 1003", hers.end() == 1003)
    status, _, error = visitor.ask("GET", "/v1/conversations?cursor=made+up")
    kept("a cursor that was made up is refused", status == 400 and error["code"] == "invalid_cursor", error)
    status, _, error = Api(visitor.endpoint, visitor.token + "x").ask("GET", "/v1/visitor")
    kept("a token that is not valid is nobody's", status == 401 and error["code"] == "unauthenticated", error)


def sign_out(operator):
    theirs = Socket(operator)
    status, _, _ = operator.ask("DELETE", "/v1/sessions/current")
    kept("an operator signs out", status == 204, status)
    code = theirs.end()
    kept("which closes the session's sockets with 4100", code == 4100, code)
    status, _, _ = operator.ask("GET", "/v1/sessions/current")
    kept("and the token is nobody's", status == 401, status)


with sockets:
    main()
