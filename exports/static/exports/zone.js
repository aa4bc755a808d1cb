// Tells the server the zone to show times in (exports/views/zones.py); the login page is early enough.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `cwexport_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
