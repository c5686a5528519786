/** @import {Operator} from '/convor/client/wire.js' */
import { OperatorApi } from '/convor/client/operator.js';
import { Desk } from './desk.js';
import { DeskView } from './desk-view.js';
import { askToSignIn } from './sign-in.js';

const place = /** @type {HTMLElement} */ (document.querySelector('#app'));
const api = new OperatorApi({ endpoint: new URL('/chat', location.href) });

try {
  work((await api.session()).operator);
} catch {
  signIn('');
}

/** @param {string} note why the form is there */
function signIn(note) {
  askToSignIn(place, api, { note, onSignedIn: work });
}

/** @param {Operator} operator */
function work(operator) {
  const desk = new Desk(api, operator);
  const view = new DeskView(desk, place);
  desk.on('signedOut', () => {
    desk.stop();
    view.stop();
    signIn('');
  });
  desk.start();
}
