/** All that a page loads until somebody opens the chat. */

const CSS = `:host{all:initial;position:fixed;inset:auto 20px 20px auto;z-index:2147483000}
:host([hidden]){display:none}
.launcher{all:unset;display:grid;place-items:center;width:56px;height:56px;border-radius:50%;cursor:pointer;
background:var(--convor-color,#1f2937);color:var(--convor-on-color,#fff);box-shadow:0 0 0 1px #fff6,0 6px 24px #0005}
.launcher:before{content:"";width:24px;height:24px;background:currentColor;forced-color-adjust:none;
clip-path:path("M4 2h16a3 3 0 013 3v10a3 3 0 01-3 3h-8l-6 5v-5H4a3 3 0 01-3-3V5a3 3 0 013-3")}
.launcher:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #000}
.badge{position:absolute;top:-4px;right:-4px;min-width:8px;padding:2px 6px;border-radius:9px;
background:#b42318;color:#fff;font:600 12px/16px Arial;text-align:center}
.badge:empty{display:none}`;

/** Black or white, whichever reads better (WCAG 2.2). */
export function readableOn(color = '') {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(color.slice(at, at + 2), 16) / 255;
    return c > 0.04045 ? ((c + 0.055) / 1.055) ** 2.4 : c / 12.92;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

/** `<convor-chat endpoint="/chat" site="cvk_…">` */
export class ConvorChat extends HTMLElement {
  /** @type {Promise<any> | undefined} */
  #panel;
  #theme = new CSSStyleSheet();
  launcher = document.createElement('button');
  #badge = document.createElement('span');

  connectedCallback() {
    if (this.shadowRoot) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet, this.#theme];
    this.launcher.className = 'launcher';
    this.launcher.dataset.testid = 'launcher';
    this.launcher.onclick = ({ detail }) => detail > 1 || this.toggle();
    this.#badge.className = 'badge';
    this.#badge.dataset.testid = 'unread';
    this.launcher.append(this.#badge);
    this.show();
    this.theme(this.getAttribute('color') ?? '');
    root.append(this.launcher);
  }

  disconnectedCallback() {
    this.#panel?.then((panel) => panel.stop());
    this.#panel = undefined;
  }

  async toggle(open = this.launcher.ariaExpanded !== 'true') {
    if (!this.isConnected) return;
    this.#panel ??= import('./panel.js').then(({ mount }) => mount(this));
    const panel = await this.#panel.catch(() => {
      this.#panel = undefined;
      this.launcher.title = 'Not loaded. Try again.';
    });
    panel?.toggle(open);
  }

  show(open = false, unread = 0) {
    const news = (!open && unread) || '';
    this.launcher.ariaLabel = open ? 'Close chat' : news ? `Open chat, ${news} unread` : 'Open chat';
    this.launcher.ariaExpanded = `${open}`;
    this.#badge.textContent = `${news}`;
  }

  theme(color = '') {
    if (!/^#[\da-f]{6}$/i.test(color)) return;
    this.#theme.replaceSync(`:host{--convor-color:${color};--convor-on-color:${readableOn(color)}}`);
  }
}

customElements.define('convor-chat', ConvorChat);
