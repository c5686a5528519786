/** The chat's launcher, and all that a page loads and does until somebody opens the chat. */

const CSS = `:host{all:initial;position:fixed;inset:auto 20px 20px auto;z-index:2147483000}
:host([hidden]){display:none}
.launcher{all:unset;box-sizing:border-box;display:grid;place-items:center;width:56px;height:56px;border-radius:50%;cursor:pointer;
background:var(--convor-color,#1f2937);color:var(--convor-on-color,#fff);border:1px solid #ffffff40;
box-shadow:0 1px 3px #0003,0 8px 24px #0003;transition:transform .15s}
.launcher:hover{transform:scale(1.05)}
.launcher:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #111}
.badge{position:absolute;top:-4px;right:-4px;min-width:20px;box-sizing:border-box;padding:2px 6px;border-radius:10px;
background:#b42318;color:#fff;font:600 12px/16px Arial,sans-serif;text-align:center}
.badge:empty{display:none}
@media(prefers-reduced-motion){.launcher{transition:none}}`;

/**
 * Black or white, whichever reads better on a colour (WCAG 2.2, "relative luminance").
 *
 * @param {string} color as `#rrggbb`
 */
export function readableOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(color.slice(at, at + 2), 16) / 255;
    return c > 0.04045 ? ((c + 0.055) / 1.055) ** 2.4 : c / 12.92;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

/** `<convor-chat endpoint="/chat" site="cvk_…">`; the optional `color` dresses the launcher from the start. */
export class ConvorChat extends HTMLElement {
  /** @type {Promise<{toggle(open?: boolean): void}> | undefined} */
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
    this.launcher.innerHTML =
      '<svg width="26" height="26" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" aria-hidden="true"><path d="M4 5h16v11h-9l-5 4v-4H4z"/></svg>';
    this.launcher.onclick = () => this.toggle();
    this.#badge.className = 'badge';
    this.#badge.dataset.testid = 'unread';
    this.launcher.append(this.#badge);
    this.show(false, 0);
    this.theme(this.getAttribute('color') ?? '');
    root.append(this.launcher);
  }

  /** @param {boolean} [open] */
  async toggle(open) {
    this.#panel ??= import('./panel.js').then((module) => module.mount(this));
    try {
      (await this.#panel).toggle(open);
    } catch {
      this.#panel = undefined;
    }
  }

  /**
   * @param {boolean} open
   * @param {number} unread
   */
  show(open, unread) {
    const label = open ? 'Close chat' : unread ? `Open chat, ${unread} unread` : 'Open chat';
    this.launcher.ariaLabel = label;
    this.launcher.ariaExpanded = `${open}`;
    this.#badge.textContent = open || !unread ? '' : `${unread}`;
  }

  /** @param {string} color */
  theme(color) {
    if (!/^#[\da-f]{6}$/i.test(color)) return;
    this.#theme.replaceSync(`:host{--convor-color:${color};--convor-on-color:${readableOn(color)}}`);
  }
}

customElements.define('convor-chat', ConvorChat);
