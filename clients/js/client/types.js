/**
 * The shapes that the modules of this client hand each other. This module holds types only, so nothing loads it at run
 * time.
 *
 * @import {AssignedEvent, Author, EventFrame, ErrorFrame, Hello, MessageKind, Operator, PageFrame, Presence,
 *   Principal, Read, ServerFrame, Status, StatusEvent, TaggedEvent, Typing} from './wire.js'
 */

/**
 * Time and chance. Everything that waits takes a clock, so that a test can hand in one that it moves by hand.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, run: () => void) => () => void} after runs once, that much later; the answer calls it off
 * @property {() => number} random a number in [0, 1)
 */

/**
 * @typedef {object} Credentials what a request carries to say who asks
 * @property {string} [token] a visitor's or a session's token
 * @property {string} [csrf] the value of `x-csrf-token`, where the session's cookie is the credential
 *
 * @typedef {object} Question
 * @property {Record<string, string | number | null | undefined>} [query] null and undefined are left out
 * @property {unknown} [body] sent as JSON
 * @property {string} [ifMatch]
 *
 * @typedef {object} HttpOptions
 * @property {string | URL} endpoint where the service is mounted, as an absolute URL
 * @property {string} [site] the site key, which a page on another origin has to name in every request
 * @property {typeof globalThis.fetch} [fetch]
 */

/**
 * @typedef {object} Change of a conversation; an absent key leaves what is
 * @property {Status} [status]
 * @property {string} [snoozed_until]
 * @property {string | null} [assignee]
 * @property {string[]} [tags]
 *
 * @typedef {object} Session of an operator; one of `token` and `csrf_token` is there
 * @property {Operator} operator
 * @property {string} expires_at
 * @property {string} [token]
 * @property {string} [csrf_token]
 */

/**
 * @typedef {'idle' | 'connecting' | 'online' | 'waiting' | 'stopped'} Phase of a connection: `waiting` comes back by
 *   itself, `stopped` does not
 *
 * @typedef {object} SocketOptions
 * @property {string} url
 * @property {() => Omit<Hello, 'type'>} hello asked at each connection, since what to resume changes
 * @property {(frame: ServerFrame) => void} onFrame
 * @property {(phase: Phase, code?: number) => void} onPhase `code` is the close code of what has ended
 * @property {Clock} [clock]
 * @property {typeof globalThis.WebSocket} [WebSocket]
 */

/**
 * @typedef {'added' | 'known' | 'held' | 'foreign'} Fate of an event: it now ends the log; it was there already; it waits
 *   for those before it; it belongs to another lifetime of the conversation, so that the log is no prefix of it
 *
 * @typedef {{after?: number, before?: number, limit?: number}} Range of a log; without it, the newest page
 *
 * @typedef {object} Pending a message on its way
 * @property {string} client_id
 * @property {string} conversation
 * @property {string} text
 * @property {MessageKind} kind
 * @property {number} at milliseconds since 1970
 * @property {'queued' | 'sent' | 'acked' | 'failed'} state `acked` is stored, but its event has not come yet
 * @property {number} [seq] once acked
 * @property {string} [reason] why it failed, for people
 */

/**
 * @typedef {object} ChatEvents
 * @property {Principal} welcome whom the server takes this side for, before anything is sent
 * @property {{phase: Phase, code: number | undefined}} phase of the connection; `code` says why it ended
 * @property {string} log the conversation whose log or pending messages changed
 * @property {EventFrame} event as it came in, whether it is new or not
 * @property {Typing} typing
 * @property {Read} read
 * @property {Presence} presence
 * @property {PageFrame} page
 * @property {null} inbox the subscription stands: what happens from here on comes in, so that it is time to list
 * @property {ErrorFrame} refused a frame of ours, other than a message
 *
 * @typedef {{[K in keyof ChatEvents]?: (detail: ChatEvents[K]) => void}} ChatListeners
 *
 * @typedef {object} ChatOptions
 * @property {Pick<import('./http.js').Http, 'socketUrl' | 'credentials' | 'request'>} http
 * @property {ChatListeners} on
 * @property {Clock} [clock]
 * @property {typeof globalThis.WebSocket} [WebSocket]
 */

/**
 * @typedef {object} DayRow
 * @property {'day'} type
 * @property {string} key
 * @property {Date} at
 *
 * @typedef {object} MessageRow
 * @property {'message'} type
 * @property {string} key stays the same when a pending message becomes an event
 * @property {Date} at
 * @property {Author | null} author null where the reader wrote it just now
 * @property {boolean} ours written on the reader's own side
 * @property {boolean} note
 * @property {string | null} text
 * @property {boolean} opens its turn
 * @property {boolean} ends its turn
 * @property {'' | 'sending' | 'sent' | 'seen' | 'failed'} delivery
 * @property {Pending} [pending]
 *
 * @typedef {object} LineRow something other than a message
 * @property {'line'} type
 * @property {string} key
 * @property {Date} at
 * @property {StatusEvent | AssignedEvent | TaggedEvent} event
 *
 * @typedef {DayRow | MessageRow | LineRow} Row
 *
 * @typedef {object} Reader
 * @property {'visitor' | 'operator'} kind
 * @property {string} [id] of an operator
 * @property {number} otherReadSeq how far the other side has read
 */

export {};
