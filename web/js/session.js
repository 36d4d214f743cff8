// Renews the session. The refresh token is used up by this, and using it twice ends the session: so only one tab and one caller
// renew at a time, and those who waited take the result of the one before them.
const RENEWED_AT = "cordwood.renewed-at";
let inThisPage = Promise.resolve();

async function renew(since) {
  if (Number(localStorage.getItem(RENEWED_AT)) > since) return true;
  const answer = await fetch("/api/v1/auth/refresh", { method: "POST", headers: { "X-Cordwood-Request": "1" } });
  if (answer.ok) localStorage.setItem(RENEWED_AT, String(Date.now()));
  return answer.ok;
}

export function refreshSession() {
  const since = Date.now();
  if (navigator.locks) return navigator.locks.request(RENEWED_AT, () => renew(since));
  inThisPage = inThisPage.then(() => renew(since), () => renew(since));
  return inThisPage;
}
