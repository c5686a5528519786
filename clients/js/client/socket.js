/**
 * @import {ClientFrame, Closing, ServerFrame, Welcome} from './wire.js'
 * @import {Phase, SocketOptions} from './types.js'
 */
import { backoffMs, systemClock } from './clock.js';

const SUBPROTOCOL = 'convor.v1';
const WELCOME_WITHIN_MS = 12_000;
const SILENCE_GRACE_MS = 10_000;
/** What has held this long has earned short pauses again. */
const STEADY_AFTER_MS = 10_000;

/** One lasting connection over as many WebSockets as it takes: it comes back after every end that is a passing one. */
export class Socket {
  #options;
  #clock;
  #WebSocket;
  /** @type {WebSocket | null} */
  #live = null;
  /** @type {Phase} */
  #phase = 'idle';
  #failures = 0;
  #onlineSince = 0;
  #silenceMs = WELCOME_WITHIN_MS;
  /** @type {Closing | null} */
  #closing = null;
  #callOff = () => {};

  /** @param {SocketOptions} options */
  constructor(options) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#WebSocket = options.WebSocket ?? WebSocket;
  }

  get phase() {
    return this.#phase;
  }

  start() {
    if (this.#phase === 'idle' || this.#phase === 'stopped') this.#connect();
  }

  stop() {
    this.#drop();
    this.#enter('idle');
  }

  wake() {
    if (this.#phase === 'waiting') this.#connect();
  }

  rest() {
    if (this.#phase === 'idle' || this.#phase === 'stopped') return;
    this.#drop();
    this.#enter('waiting');
  }

  /**
   * @param {ClientFrame} frame
   * @returns {boolean} whether there was a connection to send it over
   */
  send(frame) {
    if (this.#phase !== 'online') return false;
    this.#live?.send(JSON.stringify(frame));
    return true;
  }

  #connect() {
    this.#drop();
    this.#closing = null;
    this.#silenceMs = WELCOME_WITHIN_MS;
    this.#enter('connecting');
    const live = new this.#WebSocket(this.#options.url, SUBPROTOCOL);
    this.#live = live;
    live.onopen = () => live.send(JSON.stringify({ type: 'hello', ...this.#options.hello() }));
    live.onmessage = (message) => this.#receive(JSON.parse(message.data));
    live.onclose = (end) => this.#ended(end.code);
    this.#watch();
  }

  /** @param {ServerFrame} frame */
  #receive(frame) {
    this.#watch();
    if (frame.type === 'welcome') this.#welcomed(frame);
    if (frame.type === 'closing') this.#closing = frame;
    if (frame.type !== 'heartbeat') this.#options.onFrame(frame);
  }

  /** @param {Welcome} welcome */
  #welcomed(welcome) {
    this.#silenceMs = welcome.heartbeat_ms + SILENCE_GRACE_MS;
    this.#onlineSince = this.#clock.now();
    this.#watch();
    this.#enter('online');
  }

  /** A dead network closes nothing, so silence has to count as the end. */
  #watch() {
    this.#callOff();
    this.#callOff = this.#clock.after(this.#silenceMs, () => this.#ended(1006));
  }

  /** @param {number} code */
  #ended(code) {
    const wasSteady = this.#phase === 'online' && this.#clock.now() - this.#onlineSince >= STEADY_AFTER_MS;
    // What was announced holds, even where the connection broke first.
    const reason = this.#closing?.code ?? code;
    const askedMs = this.#closing?.reconnect_after_ms;
    this.#drop();
    if (reason >= 4100 && reason <= 4199) return this.#enter('stopped', reason);
    if (wasSteady) this.#failures = 0;
    const pauseMs = askedMs ?? backoffMs(this.#failures++, this.#clock);
    this.#callOff = this.#clock.after(pauseMs, () => this.#connect());
    this.#enter('waiting', reason);
  }

  /** Lets go at once: a dead WebSocket can take minutes to report its end. */
  #drop() {
    this.#callOff();
    const live = this.#live;
    this.#live = null;
    if (!live) return;
    live.onopen = live.onmessage = live.onclose = null;
    live.close();
  }

  /**
   * @param {Phase} phase
   * @param {number} [code]
   */
  #enter(phase, code) {
    this.#phase = phase;
    this.#options.onPhase(phase, code);
  }
}
