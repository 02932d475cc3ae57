"""The notifier: who is told what, when, and the words of it. The only part that acts on the world."""
