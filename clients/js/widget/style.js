/** The panel's style, as a sheet to adopt, which no policy on inline styles forbids. */
export const CSS = `
:host{--bg:#fff;--soft:#f4f5f7;--text:#16191d;--muted:#5a6370;--line:#dfe3e8;--field:#8a93a0;--bad:#b42318;
--shadow:0 0 0 1px #10182814,0 12px 40px #10182833;color-scheme:light dark}
@media(prefers-color-scheme:dark){:host{--bg:#16191d;--soft:#24292f;--text:#eef1f4;--muted:#a3adb9;--line:#343b43;
--field:#76818d;--bad:#ff9b8f;--shadow:0 0 0 1px #ffffff1f,0 12px 40px #000a}}
*{box-sizing:border-box;margin:0;padding:0}
.launcher[aria-expanded=true]:before{clip-path:path("M5 8l2-2 5 5 5-5 2 2-7 7z")}
.panel{position:fixed;inset:auto 20px 92px auto;border:0;display:flex;flex-direction:column;width:384px;
max-width:calc(100vw - 40px);height:640px;max-height:calc(100dvh - 112px);overflow:hidden;border-radius:16px;background:var(--bg);
color:var(--text);box-shadow:var(--shadow);font:.9375em/1.45 -apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif;
animation:rise .18s ease-out}
[hidden],.panel:not([open]){display:none!important}
@keyframes rise{from{opacity:0;transform:translateY(8px)}}
button,textarea,input{font:inherit;color:inherit}
button{cursor:pointer;border:0;background:none}
:focus-visible{outline:2px solid var(--text);outline-offset:2px}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.head,.send,.ours .bubble{background:var(--convor-color,#1f2937);color:var(--convor-on-color,#fff)}
.head{display:flex;align-items:center;padding:16px 12px 16px 20px}
.head :focus-visible{outline-color:currentColor}
.who{flex:1;min-width:0}
h2{font-size:1.0667em;line-height:1.3;overflow-wrap:anywhere}
.presence{display:flex;align-items:center;gap:8px;margin-top:2px;font-size:.8667em}
.presence:before{content:"";width:8px;height:8px;border-radius:50%;border:2px solid}
.on:before{background:currentColor}
.icon{display:grid;place-items:center;width:40px;height:40px;border-radius:10px}
.icon:hover{background:#8883}
.banner{padding:8px 20px;background:var(--soft);border-bottom:1px solid var(--line);font-size:.8667em}
.banner:empty,.delivery:empty{display:none}
.banner button{margin-left:8px}
.banner button,.retry,.older,.offer{text-decoration:underline;text-underline-offset:2px}
.log{flex:1;min-height:0;overflow-y:auto;overflow-anchor:none;overscroll-behavior:contain;padding:20px 20px 8px}
.log:focus-visible{outline-offset:-2px}
.older{display:block;margin:0 auto 16px;font-size:.8667em;color:var(--muted)}
.day,.line{margin:16px 0;text-align:center;font-size:.8em;color:var(--muted)}
.day{display:flex;align-items:center;gap:12px}
.day:before,.day:after{content:"";flex:1;height:1px;background:var(--line)}
.message{display:flex;flex-direction:column;align-items:flex-start;margin-top:2px}
.opens{margin-top:14px}
.ours{align-items:flex-end}
.author{margin:0 0 4px 4px;font-size:.8em;font-weight:600;color:var(--muted)}
.bubble{max-width:86%;padding:9px 14px;border-radius:6px 16px 16px 6px;background:var(--soft);white-space:pre-wrap;overflow-wrap:anywhere}
.opens .bubble,.greeting{border-top-left-radius:16px}
.ends .bubble{border-bottom-left-radius:4px}
.ours .bubble{border-radius:16px 6px 6px 16px;box-shadow:inset 0 0 0 1px #8883}
.ours.opens .bubble{border-top-right-radius:16px}
.ours.ends .bubble{border-bottom-right-radius:4px}
.erased{font-style:italic}
.meta{display:flex;gap:6px;margin:4px 4px 0;font-size:.7667em;color:var(--muted)}
.failed{color:var(--bad)}
.typing{display:flex;align-items:center;gap:8px;min-height:26px;padding:0 20px 6px;font-size:.8667em;color:var(--muted)}
.dots{display:flex;gap:3px}
i{width:5px;height:5px;border-radius:50%;background:currentColor;animation:dot 1.2s infinite}
i+i{animation-delay:.15s}i+i+i{animation-delay:.3s}
@keyframes dot{0%,60%,to{opacity:.3}30%{opacity:1}}
.introduce{padding:0 20px 10px;font-size:.8667em;color:var(--muted)}
.introduce form{display:grid;gap:8px;margin-top:8px;padding:12px;border:1px solid var(--line);border-radius:12px;color:var(--text)}
input{width:100%;padding:7px 10px;border:1px solid var(--field);border-radius:8px;background:var(--bg)}
.save{justify-self:start;padding:7px 14px;border-radius:8px;background:var(--text);color:var(--bg)}
.composer{display:flex;align-items:flex-end;gap:8px;padding:10px 12px 12px;border-top:1px solid var(--line)}
.field{flex:1;min-width:0}
textarea{display:block;width:100%;max-height:140px;padding:9px 12px;resize:none;border:1px solid var(--field);border-radius:12px;
background:var(--bg);line-height:1.4}
::placeholder{color:var(--muted);opacity:1}
textarea:focus-visible,input:focus-visible{outline-offset:-1px}
.left{font-size:.7667em;color:var(--muted)}
.send{width:42px;height:42px;border-radius:50%;box-shadow:inset 0 0 0 1px #8883}
.send:enabled:hover{background:var(--convor-color,#1f2937);filter:brightness(1.1)}
.send:disabled{background:var(--soft);color:var(--muted);cursor:default}
@media(max-width:480px),(max-height:440px){.panel{inset:0;width:100%;max-width:none;height:100dvh;max-height:none;border-radius:0}
.launcher[aria-expanded=true]{display:none}}
@media(prefers-reduced-motion){*{animation:none!important}}
`;
