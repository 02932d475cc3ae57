"""The notifier: who is told (`route`), when (`plan`), in which words (`words`), and the only deed (`send`)."""
