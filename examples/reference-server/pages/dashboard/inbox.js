/**
 * @import {EventFrame, StaffConversation, Status} from '/convor/client/wire.js'
 * @import {OperatorApi} from '/convor/client/operator.js'
 */

/**
 * @typedef {'open' | 'mine' | 'unassigned' | 'snoozed' | 'closed'} Filter
 * @typedef {Partial<StaffConversation['visitor']>} VisitorNews
 */

const PAGE = 50;

/**
 * What is known of the conversations: listed over HTTP, kept true by events. It is a view and no log, so that a
 * conversation whose events do not follow on is simply asked for again.
 */
export class Inbox {
  /** @type {Filter} */
  filter = 'open';
  #api;
  #me;
  #onChange;
  /** @type {Map<string, StaffConversation>} */
  #known = new Map();
  /** How far each filter has been listed. @type {Map<Filter, {cursor: string | null, oldest: string}>} */
  #listed = new Map();
  /** What is being asked for: each conversation by its id, each page of a list by its filter. @type {Set<string>} */
  #asking = new Set();
  /** Which conversations have changed while they were being asked for. @type {Set<string>} */
  #again = new Set();
  /** What frames told of visitors while an answer that may be older was under way. @type {Map<string, VisitorNews>} */
  #meanwhile = new Map();

  /**
   * @param {OperatorApi} api
   * @param {string} me the operator's id
   * @param {() => void} onChange
   */
  constructor(api, me, onChange) {
    this.#api = api;
    this.#me = me;
    this.#onChange = onChange;
  }

  /** @param {string | null} id */
  get(id) {
    return this.#known.get(id ?? '');
  }

  /** The conversations of the chosen filter, the latest change first. */
  get list() {
    const listed = this.#listed.get(this.filter);
    if (!listed) return [];
    const { cursor, oldest } = listed;
    const shown = [...this.#known.values()].filter((conversation) => {
      // What lies below the listed part would stand there with gaps around it.
      return this.#matches(conversation) && (!cursor || conversation.updated_at >= oldest);
    });
    return shown.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  }

  get loaded() {
    return this.#listed.has(this.filter);
  }

  get hasMore() {
    return Boolean(this.#listed.get(this.filter)?.cursor);
  }

  get unread() {
    let unread = 0;
    for (const conversation of this.#known.values()) if (conversation.status === 'open') unread += conversation.unread;
    return unread;
  }

  /** The tags in use, to suggest. */
  get tags() {
    return [...new Set([...this.#known.values()].flatMap(({ tags }) => tags))].sort();
  }

  /**
   * Lists the chosen filter from its beginning.
   *
   * @param {Filter} [filter]
   */
  async load(filter = this.filter) {
    this.filter = filter;
    this.#onChange();
    await this.#loadPage(filter, null);
  }

  async loadMore() {
    const cursor = this.#listed.get(this.filter)?.cursor;
    if (cursor) await this.#loadPage(this.filter, cursor);
  }

  /**
   * Takes a conversation as the server describes it, unless events have already told more.
   *
   * @param {StaffConversation} conversation
   */
  put(conversation) {
    const known = this.#known.get(conversation.id);
    if (known && known.epoch === conversation.epoch && known.seq > conversation.seq) return;
    Object.assign(conversation.visitor, this.#meanwhile.get(conversation.visitor.id));
    this.#known.set(conversation.id, conversation);
    this.#onChange();
  }

  /** @param {EventFrame} event */
  take(event) {
    const known = this.#known.get(event.conversation);
    if (!known || known.epoch !== event.epoch || event.seq > known.seq + 1) return this.refresh(event.conversation);
    if (event.seq <= known.seq) return;
    known.seq = event.seq;
    known.updated_at = event.at;
    apply(known, event);
    this.#onChange();
  }

  /**
   * Asks for a conversation again, once at a time: what happens meanwhile may be missing in the answer.
   *
   * @param {string} id
   */
  refresh(id) {
    if (this.#asking.has(id)) return void this.#again.add(id);
    const refresh = async () => {
      do {
        this.#again.delete(id);
        this.put((await this.#api.conversation(id)).conversation);
      } while (this.#again.has(id));
    };
    this.#ask(id, refresh).catch(() => {});
  }

  /**
   * @param {string} id
   * @param {string} reader an operator's or the visitor's id
   * @param {number} seq
   */
  read(id, reader, seq) {
    const known = this.#known.get(id);
    if (!known) return;
    if (reader === known.visitor.id) known.other_read_seq = Math.max(known.other_read_seq, seq);
    if (reader === this.#me && seq > known.read_seq) {
      known.read_seq = seq;
      if (seq >= (known.last_message?.seq ?? 0)) known.unread = 0;
      else this.refresh(id);
    }
    this.#onChange();
  }

  /**
   * @param {string} visitor
   * @param {VisitorNews} news
   */
  sawVisitor(visitor, news) {
    if (this.#asking.size) this.#meanwhile.set(visitor, { ...this.#meanwhile.get(visitor), ...news });
    for (const conversation of this.#known.values()) {
      if (conversation.visitor.id === visitor) Object.assign(conversation.visitor, news);
    }
    this.#onChange();
  }

  /**
   * @param {Filter} filter
   * @param {string | null} cursor
   */
  async #loadPage(filter, cursor) {
    await this.#ask(filter, async () => {
      const { data, next_cursor } = await this.#api.conversations({ ...this.#query(filter), limit: PAGE, cursor });
      for (const conversation of data) this.put(conversation);
      this.#listed.set(filter, { cursor: next_cursor, oldest: data.at(-1)?.updated_at ?? '' });
    });
    this.#onChange();
  }

  /**
   * @param {string} what
   * @param {() => Promise<void>} question
   */
  async #ask(what, question) {
    this.#asking.add(what);
    try {
      await question();
    } finally {
      this.#asking.delete(what);
      if (!this.#asking.size) this.#meanwhile.clear();
    }
  }

  /** @param {StaffConversation} conversation */
  #matches({ status, assignee }) {
    if (this.filter === 'snoozed' || this.filter === 'closed') return status === this.filter;
    if (status !== 'open') return false;
    return this.filter === 'open' || assignee === (this.filter === 'mine' ? this.#me : null);
  }

  /**
   * @param {Filter} filter
   * @returns {{status: Status, assignee?: string}}
   */
  #query(filter) {
    if (filter === 'mine') return { status: 'open', assignee: this.#me };
    if (filter === 'unassigned') return { status: 'open', assignee: 'none' };
    return { status: filter };
  }
}

/**
 * @param {StaffConversation} known
 * @param {EventFrame} event
 */
function apply(known, event) {
  if (event.kind === 'status') {
    known.status = event.status;
    known.snoozed_until = event.snoozed_until ?? null;
  } else if (event.kind === 'assigned') {
    known.assignee = event.assignee?.id ?? null;
  } else if (event.kind === 'tagged') {
    known.tags = event.tags;
  } else if (event.kind === 'message' && event.message.kind === 'message') {
    known.last_message = event;
    if (event.message.author.kind === 'visitor') known.unread = Math.min(known.unread + 1, 100);
  }
}
