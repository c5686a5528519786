/** Line drawings on a grid of 24 units. */
export const BACK = 'M15 5l-7 7 7 7';
export const CHECK = 'M5 12.5l4.5 4.5L19 7';
export const CLOCK = 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.5l3 1.8';
export const CROSS = 'M7 7l10 10M17 7L7 17';
export const INBOX = 'M4 13l3-8h10l3 8v6H4zM4 13h5a3 3 0 0 0 6 0h5';
export const INFO = 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 11v5M12 8v.01';
export const LOCK = 'M7 11h10v8H7zM9 11V8a3 3 0 0 1 6 0v3';
export const PAGE = 'M4 6h16v12H4zM4 9.5h16';
export const REOPEN = 'M5 12a7 7 0 1 0 2.5-5.4M5 4v4h4';
export const SEND = 'M12 19V5M5.5 11.5L12 5l6.5 6.5';
