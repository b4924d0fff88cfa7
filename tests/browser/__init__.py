"""The generated service in a browser: Debian's Chromium, driven by Playwright."""
