"""How it is said: messages, their order, and values as bytes. Never pickle."""
