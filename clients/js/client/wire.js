/**
 * The shapes of the wire protocol, version 1. This module holds types only, so nothing loads it at run time.
 *
 * Keys marked staff are absent from a visitor's copy. Times are RFC 3339 strings, ids are UUIDs.
 *
 * @typedef {{kind: 'visitor' | 'operator' | 'system', name: string | null, id?: string}} Author
 *
 * @typedef {{name: string, title: string, greeting: string, color: string, online: boolean}} Site
 *
 * @typedef {{id: string, site: string, name: string | null, email: string | null, created_at: string}} Visitor
 *
 * @typedef {{url: string, title: string | null, at: string}} PageSeen
 *
 * @typedef {Visitor & {online: boolean, page: PageSeen | null}} VisitorSeen
 *
 * @typedef {object} Operator
 * @property {string} id
 * @property {string} name
 * @property {string} email
 * @property {'owner' | 'admin' | 'operator'} role
 * @property {boolean} online
 *
 * @typedef {'open' | 'closed' | 'snoozed'} Status
 *
 * @typedef {'message' | 'note'} MessageKind
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {MessageKind} kind
 * @property {Author} author
 * @property {string | null} text null where the content has been erased
 * @property {string} client_id
 *
 * @typedef {{conversation: string, seq: number, epoch: number, at: string}} Position
 * @typedef {Position & {kind: 'message', message: Message}} MessageEvent
 * @typedef {Position & {kind: 'status', status: Status, by: Author, snoozed_until?: string | null}} StatusEvent
 * @typedef {Position & {kind: 'assigned', assignee: {id: string, name: string} | null, by: Author}} AssignedEvent
 * @typedef {Position & {kind: 'tagged', tags: string[], by: Author}} TaggedEvent
 * @typedef {MessageEvent | StatusEvent | AssignedEvent | TaggedEvent} LogEvent a reader skips any other kind, but counts
 *   its seq
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {Status} status
 * @property {string | null} subject
 * @property {string} created_at
 * @property {string} updated_at
 * @property {number} seq
 * @property {number} epoch
 * @property {number} floor
 * @property {number} unread
 * @property {number} read_seq
 * @property {number} other_read_seq
 * @property {MessageEvent | null} last_message
 *
 * @typedef {object} StaffOnly
 * @property {string} site
 * @property {VisitorSeen} visitor
 * @property {string | null} assignee
 * @property {string[]} tags
 * @property {string | null} snoozed_until
 * @property {number} version
 *
 * @typedef {Conversation & StaffOnly} StaffConversation what an operator sees of a conversation
 *
 * @typedef {{message_id: string, seq: number, at: string, duplicate: boolean}} Posted
 *
 * @typedef {{conversation: Conversation, message?: Posted}} Opened what `POST /v1/conversations` answers
 *
 * @typedef {{data: LogEvent[], seq: number, epoch: number, floor: number}} LogPage
 *
 * @typedef {{kind: 'visitor' | 'operator', id: string, name: string | null, role?: string}} Principal
 *
 * @typedef {{conversation: string, epoch: number, after: number}} Resume
 */

/**
 * @template T
 * @typedef {{data: T[], next_cursor: string | null}} List
 */

/**
 * What a server sends over the socket.
 *
 * @typedef {{type: 'welcome', session: string, principal: Principal, heartbeat_ms: number}} Welcome
 * @typedef {{type: 'subscribed', ref: string, conversation?: string, inbox?: true, seq?: number, epoch?: number}} Subscribed
 * @typedef {{type: 'unsubscribed', ref: string}} Unsubscribed
 * @typedef {{type: 'ack', ref: string, conversation: string, client_id: string} & Posted} Ack
 * @typedef {{type: 'event'} & LogEvent} EventFrame
 * @typedef {{type: 'typing', conversation: string, author: Author, active: boolean, kind: MessageKind}} Typing
 * @typedef {{type: 'read', conversation: string, author: Author, seq: number}} Read
 * @typedef {{type: 'presence', author?: Author, online: boolean}} Presence
 * @typedef {{type: 'page', visitor: string, page: PageSeen}} PageFrame
 * @typedef {{type: 'reset', conversation?: string, inbox?: boolean, epoch?: number, seq?: number}} Reset
 * @typedef {{type: 'heartbeat'}} Heartbeat
 * @typedef {{type: 'error', ref?: string, code: string, title: string, retry_after_ms?: number}} ErrorFrame
 * @typedef {{type: 'closing', code: number, reason: string, reconnect_after_ms?: number}} Closing
 * @typedef {Welcome | Subscribed | Unsubscribed | Ack | EventFrame | Typing | Read | Presence | PageFrame | Reset
 *   | Heartbeat | ErrorFrame | Closing} ServerFrame
 */

/**
 * What a client sends.
 *
 * @typedef {{type: 'hello', token?: string, resume?: Resume[]}} Hello
 * @typedef {{type: 'subscribe', ref: string, conversation: string, after?: number}} Subscribe
 * @typedef {{type: 'subscribe', ref: string, inbox: true}} SubscribeInbox
 * @typedef {{type: 'unsubscribe', ref: string, conversation: string}} Unsubscribe
 * @typedef {{type: 'send', ref: string, conversation: string, client_id: string, text: string, kind?: MessageKind}} Send
 * @typedef {{type: 'typing', conversation: string, active: boolean, kind?: MessageKind}} SayTyping
 * @typedef {{type: 'read', conversation: string, seq: number}} SayRead
 * @typedef {{type: 'page', url: string, title?: string}} SayPage
 * @typedef {Hello | Subscribe | SubscribeInbox | Unsubscribe | Send | SayTyping | SayRead | SayPage} ClientFrame
 */

export {};
