/** A clock that moves only when it is told to. */
export class FakeClock {
  #now = 1_000_000;
  #timers = new Set();

  now = () => this.#now;
  random = () => 0.5;

  after = (ms, run) => {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Lets time pass, and whatever waits for it happen in its order. */
  async pass(ms) {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
    await settled();
  }
}

/** Lets all promises that can settle do so. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A network on which every WebSocket is in the test's hand. */
export function fakeNetwork() {
  /** @type {any[]} */
  const sockets = [];
  class FakeWebSocket {
    sent = [];
    closed = false;

    constructor(url, protocol) {
      Object.assign(this, { url, protocol });
      sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    open() {
      this.onopen?.();
    }

    receive(frame) {
      this.onmessage?.({ data: JSON.stringify(frame) });
    }

    /** Opens and is welcomed. */
    welcome(kind = 'visitor') {
      this.open();
      const principal = { kind, id: 'me', name: null };
      this.receive({ type: 'welcome', session: 's', principal, heartbeat_ms: 25_000 });
    }

    end(code = 1006) {
      this.onclose?.({ code });
    }

    ofType(type) {
      return this.sent.filter((frame) => frame.type === type);
    }
  }
  return {
    sockets,
    WebSocket: FakeWebSocket,
    get latest() {
      return sockets.at(-1);
    },
  };
}

/** A message of the team with its place in the log. */
export function message(seq, { epoch = 1, at = '2026-03-04T09:30:00.000Z', ...content } = {}) {
  const author = { kind: 'operator', name: 'Ada' };
  const written = { id: `m${seq}`, kind: 'message', author, text: `text ${seq}`, client_id: `c${seq}`, ...content };
  return { conversation: 'one', seq, epoch, at, kind: 'message', message: written };
}

/** A conversation's log on a server, which answers pages as the protocol says. */
export class FakeLog {
  epoch = 1;
  floor = 0;
  events = [];
  asked = [];

  append(count = 1, options = {}) {
    for (let n = 0; n < count; n++) {
      this.events.push(message((this.events.at(-1)?.seq ?? this.floor) + 1, { epoch: this.epoch, ...options }));
    }
    return this.events.at(-1);
  }

  page = async (range) => {
    this.asked.push(range);
    const { after, before, limit = 50 } = range;
    const { events, epoch, floor } = this;
    const seq = events.at(-1)?.seq ?? floor;
    const data =
      after !== undefined
        ? events.filter((event) => event.seq > after).slice(0, limit)
        : before !== undefined
          ? events.filter((event) => event.seq < before).slice(-limit)
          : events.slice(-limit);
    return { data, seq, epoch, floor };
  };
}
