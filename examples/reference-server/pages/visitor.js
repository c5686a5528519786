/** A page of a made-up organisation, dressed in the name and colour of the site whose key stands in the address. */

/** @import {Site} from '/convor/client/wire.js' */
import { ConvorChat, readableOn } from '/convor/widget/loader.js';

const key = location.pathname.split('/')[2] ?? '';
const chat = new ConvorChat();

embed();
dress(await site());
addEventListener('hashchange', nameThePage);
document.querySelector('#ask')?.addEventListener('click', () => chat.toggle(true));

function embed() {
  chat.setAttribute('endpoint', '/chat');
  chat.setAttribute('site', key);
  document.body.append(chat);
}

/** @returns {Promise<Site | null>} */
async function site() {
  const answer = await fetch(`/chat/v1/site?${new URLSearchParams({ site: key })}`);
  return answer.ok ? answer.json() : null;
}

/** @param {Site | null} site */
function dress(site) {
  const name = site?.name ?? 'There is no such site';
  for (const place of document.querySelectorAll('[data-site-name]')) place.textContent = name;
  document.body.dataset.name = name;
  nameThePage();
  if (!site) return;
  document.documentElement.style.setProperty('--brand', site.color);
  document.documentElement.style.setProperty('--on-brand', readableOn(site.color));
  chat.theme(site.color);
}

/** Each part of the page counts as a page of its own, so that an operator sees a visitor move. */
function nameThePage() {
  const links = [.../** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('nav a'))];
  for (const link of links) link.toggleAttribute('aria-current', link.hash === location.hash);
  const current = links.find((link) => link.hash === location.hash);
  document.title = [current?.textContent, document.body.dataset.name].filter(Boolean).join(' · ');
}
