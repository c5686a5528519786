/** @import {Operator} from '/convor/client/wire.js' */
import { OperatorApi } from '/convor/client/operator.js';
import { ApiError } from '/convor/client/http.js';
import { Desk } from './desk.js';
import { DeskView } from './desk-view.js';
import { askToSignIn } from './sign-in.js';

const place = /** @type {HTMLElement} */ (document.querySelector('#app'));
const api = new OperatorApi({ endpoint: new URL('/chat', location.href) });

try {
  work((await api.session()).operator);
} catch (error) {
  signIn(isRefused(error) || !(error instanceof Error) ? '' : error.message);
}

/** @param {string} note why the form is there */
function signIn(note) {
  askToSignIn(place, api, { note, onSignedIn: begin });
}

/** @param {Operator} operator */
async function begin(operator) {
  try {
    await api.session();
  } catch (error) {
    if (isRefused(error)) return signIn('This browser did not keep the session cookie.');
  }
  work(operator);
}

/** @param {unknown} error */
function isRefused(error) {
  return error instanceof ApiError && error.status === 401;
}

/** @param {Operator} operator */
function work(operator) {
  const desk = new Desk(api, operator);
  const view = new DeskView(desk, place);
  desk.on('signedOut', (why) => {
    view.stop();
    signIn(why);
  });
  desk.start();
}
