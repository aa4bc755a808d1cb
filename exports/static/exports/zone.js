// Sends the browser's time zone in a cookie (exports/middleware/time_zone.py).
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; secure" : "";
if (zone) document.cookie = `cwexport_zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
