"""The console: pages with one button, reached by signed links from messages. Reads the record, appends commands."""
