/**
 * @import {Operator} from '/convor/client/wire.js'
 * @import {OperatorApi} from '/convor/client/operator.js'
 */
import { ApiError } from '/convor/client/http.js';
import { h, setText } from '/convor/widget/view.js';

/**
 * Asks an operator to sign in.
 *
 * @param {HTMLElement} place
 * @param {OperatorApi} api
 * @param {{note: string, onSignedIn: (operator: Operator) => Promise<void>}} options
 */
export function askToSignIn(place, api, { note, onSignedIn }) {
  const tenant = new URLSearchParams(location.search).get('tenant') ?? '';
  const error = h('p', { class: 'error', role: 'alert', 'data-testid': 'sign-in-error' }, note);
  const submit = h('button', { class: 'primary', 'data-testid': 'sign-in' }, 'Sign in');
  const fields = {
    tenant: input({
      name: 'tenant',
      value: tenant,
      autocomplete: 'organization',
      spellcheck: 'false',
      placeholder: 'cvt_…',
    }),
    email: input({ name: 'email', type: 'email', autocomplete: 'username' }),
    password: input({ name: 'password', type: 'password', autocomplete: 'current-password' }),
  };

  /** @param {Event} event */
  async function signIn(event) {
    event.preventDefault();
    submit.disabled = true;
    setText(error, '');
    const { email, password } = fields;
    const who = { tenant: fields.tenant.value.trim(), email: email.value.trim(), password: password.value };
    try {
      await onSignedIn((await api.signIn({ ...who, as: 'cookie' })).operator);
    } catch (failure) {
      setText(error, explain(failure));
      password.value = '';
      password.focus();
    } finally {
      submit.disabled = false;
    }
  }

  place.replaceChildren(
    h(
      'main',
      { class: 'sign-in' },
      h(
        'form',
        { onsubmit: signIn },
        h('span', { class: 'mark', 'aria-hidden': 'true' }),
        h('h1', {}, 'Sign in to Convor'),
        label('Organisation key', fields.tenant),
        label('E-mail', fields.email),
        label('Password', fields.password),
        error,
        submit,
      ),
    ),
  );
  document.title = 'Sign in · Convor';
  (tenant ? fields.email : fields.tenant).focus();
}

/** @param {Record<string, string>} attributes */
function input(attributes) {
  return h('input', { required: true, 'data-testid': `sign-in-${attributes.name}`, ...attributes });
}

/**
 * @param {string} text
 * @param {HTMLInputElement} field
 */
function label(text, field) {
  return h('label', {}, h('span', {}, text), field);
}

/** @param {unknown} failure */
function explain(failure) {
  if (!(failure instanceof ApiError)) return 'That did not work.';
  if (failure.status === 401 || failure.status === 400)
    return 'The key, the e-mail address or the password is not right.';
  if (failure.status === 429) return 'Too many tries. Wait a little, then try again.';
  return failure.message;
}
